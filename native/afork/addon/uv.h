/* SPDX-License-Identifier: MIT */
/*
 * The few functions of libuv that are needed. node-api-headers has no uv.h, and Node's ABI promise
 * covers it: libuv 1.x keeps these signatures and numbers, and sizes are asked for at run time.
 */
#ifndef AFORK_ADDON_UV_H
#define AFORK_ADDON_UV_H

#include <cstddef>

extern "C" {
struct uv_loop_s;
struct uv_handle_s;

constexpr int UV_CHECK_HANDLE = 2; /* enum uv_handle_type: UV_CHECK, UV_IDLE, UV_POLL, UV_SIGNAL */
constexpr int UV_IDLE_HANDLE = 6;
constexpr int UV_POLL_HANDLE = 8;
constexpr int UV_SIGNAL_HANDLE = 16;
constexpr int UV_POLL_READABLE = 1;

size_t uv_handle_size(int type);
void *uv_handle_get_data(const uv_handle_s *handle);
void uv_handle_set_data(uv_handle_s *handle, void *data);
int uv_check_init(uv_loop_s *loop, uv_handle_s *handle);
int uv_check_start(uv_handle_s *handle, void (*callback)(uv_handle_s *handle));
int uv_check_stop(uv_handle_s *handle);
int uv_idle_init(uv_loop_s *loop, uv_handle_s *handle);
int uv_idle_start(uv_handle_s *handle, void (*callback)(uv_handle_s *handle));
int uv_idle_stop(uv_handle_s *handle);
int uv_poll_init(uv_loop_s *loop, uv_handle_s *handle, int fd);
int uv_poll_start(uv_handle_s *handle, int events, void (*callback)(uv_handle_s *handle, int status, int events));
int uv_signal_init(uv_loop_s *loop, uv_handle_s *handle);
int uv_signal_start(uv_handle_s *handle, void (*callback)(uv_handle_s *handle, int signal), int signal);
int uv_signal_stop(uv_handle_s *handle);
void uv_ref(uv_handle_s *handle);
void uv_unref(uv_handle_s *handle);
void uv_close(uv_handle_s *handle, void (*callback)(uv_handle_s *handle));
}

#endif
