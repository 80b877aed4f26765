// SPDX-License-Identifier: MIT
#include "log.h"

#include <cstdarg>
#include <cstdio>

namespace forktax
{

namespace
{

/* libbpf has one print function for the process. Each thread collects the messages of its own calls. */
thread_local std::string libbpf_log;
constexpr size_t LOG_LIMIT = 256 * 1024; /* A verifier's log can be very long. Its start and its end matter most. */

int collect_log(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[4096];

	if (level == LIBBPF_DEBUG || libbpf_log.size() > LOG_LIMIT)
		return 0;
	va_list measured;
	va_copy(measured, arguments);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	if (length >= static_cast<int>(sizeof(line))) {
		std::string text(static_cast<size_t>(length) + 1, '\0');
		vsnprintf(text.data(), text.size(), format, measured);
		libbpf_log.append(text.c_str());
	} else if (length > 0) {
		libbpf_log.append(line);
	}
	va_end(measured);
	return 0;
}

} // namespace

void begin_log()
{
	libbpf_set_print(collect_log);
	libbpf_log.clear();
}

Failure failure(int error, std::string what)
{
	Failure result;
	result.error = error < 0 ? -error : error;
	result.what = std::move(what);
	result.log = std::move(libbpf_log);
	libbpf_log.clear();
	return result;
}

} // namespace forktax
