// SPDX-License-Identifier: MIT
#include "closing.h"

#include <cstdlib>

#include "uv.h"

// libuv finishes closing in the reverse order of uv_close(): the neighbour, the process handle, the undertaker.
struct Neighbour {
	uv_loop_s *loop;
	uv_handle_s *handle;
	uv_handle_s *undertaker;
};

namespace
{

uv_handle_s *make_idle_handle(uv_loop_s *loop, Neighbour *neighbour)
{
	uv_handle_s *handle = static_cast<uv_handle_s *>(calloc(1, uv_handle_size(UV_IDLE_HANDLE)));

	uv_idle_init(loop, handle);
	uv_handle_set_data(handle, neighbour);
	return handle;
}

Neighbour *neighbour_of(uv_handle_s *handle)
{
	return static_cast<Neighbour *>(uv_handle_get_data(handle));
}

void on_undertaker_closed(uv_handle_s *undertaker)
{
	Neighbour *neighbour = neighbour_of(undertaker);

	uv_close(neighbour->handle, [](uv_handle_s *handle) {
		free(neighbour_of(handle)->undertaker);
		delete neighbour_of(handle);
		free(handle);
	});
}

// Out of the list now; back to its end, for the process handle is next.
void on_neighbour_closed(uv_handle_s *handle)
{
	Neighbour *neighbour = neighbour_of(handle);

	uv_idle_init(neighbour->loop, handle);
	uv_handle_set_data(handle, neighbour);
}

} // namespace

ClosingGuard::ClosingGuard(uv_loop_s *loop) : neighbour_(new Neighbour{loop, nullptr, nullptr})
{
	neighbour_->undertaker = make_idle_handle(loop, neighbour_);
	uv_close(neighbour_->undertaker, on_undertaker_closed);
	neighbour_->handle = make_idle_handle(loop, neighbour_);
}

ClosingGuard::~ClosingGuard()
{
	uv_close(neighbour_->handle, on_neighbour_closed);
}
