// SPDX-License-Identifier: MIT
// Closing a process handle that libuv never spawned.
#ifndef AFORK_ADDON_CLOSING_H
#define AFORK_ADDON_CLOSING_H

struct uv_loop_s;

/*
 * libuv takes a handle out of its loop's list of handles when uv_spawn() fails (since 1.52, its #4980), and once more when
 * the handle is closed, as it has to be. The second time goes by neighbours that may be gone: it writes to freed memory,
 * and cuts the list. It does neither if the handle's neighbour at both times is the same living one, at the list's end.
 * So: construct this, let uv_spawn() fail, uv_close() the handle, and destroy this, with no other handle made meanwhile.
 */
class ClosingGuard
{
      public:
	explicit ClosingGuard(uv_loop_s *loop);
	~ClosingGuard();
	ClosingGuard(const ClosingGuard &) = delete;

      private:
	struct Neighbour *neighbour_;
};

#endif
