// SPDX-License-Identifier: MIT
// What JavaScript sees. Copies in, calls, copies out; native.ts has the types and the promises.

#include <napi.h>

#include <string>
#include <vector>

#include "children.h"
#include "closing.h"
#include "request.h"
#include "sync.h"

namespace
{

// What one JavaScript thread has.
struct Thread {
	Children *children;
	uint32_t by_mechanism[AFORK_WORKER + 1];
	uint32_t spawns, sync_spawns, waits, unsettled;
};

Thread &thread_of(const Napi::CallbackInfo &info)
{
	return *info.Env().GetInstanceData<Thread>();
}

void count(Thread &thread, const Started &started, uint32_t &kind)
{
	if (!started.job)
		return;
	kind++;
	thread.by_mechanism[afork_job_mechanism(started.job)]++;
}

Napi::Value spawn(const Napi::CallbackInfo &info)
{
	Thread &thread = thread_of(info);
	const Started started = start(Request(info[0].As<Napi::Object>()), thread.children->affordable());
	int error = started.error;
	pid_t pid = 0;

	count(thread, started, thread.spawns);
	thread.waits += started.waited;
	thread.unsettled += started.unsettled;
	if (started.job) {
		pid = afork_job_pid(started.job);
		error = thread.children->add(started.job);
	}
	return Napi::Number::New(info.Env(), error ? -error : pid);
}

SyncLimits to_limits(const Napi::Object &limits)
{
	return {static_cast<uint64_t>(limits.Get("timeoutMs").As<Napi::Number>().Int64Value()),
		limits.Get("maxBytes").As<Napi::Number>().DoubleValue(),
		limits.Get("killSignal").As<Napi::Number>().Int32Value()};
}

// One for each pipe, in the order of the descriptors.
std::vector<SyncPipe> to_pipes(const Request &request, const std::vector<bool> &is_pipe, const Napi::Array &inputs)
{
	std::vector<SyncPipe> pipes;

	for (uint32_t i = 0; i < request.fd_count; i++) {
		const Napi::Value input = inputs.Get(i);
		SyncPipe pipe{request.fds[i], input.IsTypedArray(), nullptr, 0, {}};

		if (!is_pipe[i])
			continue;
		if (pipe.is_input) {
			const Napi::Uint8Array bytes = input.As<Napi::Uint8Array>();
			pipe.input = bytes.Data();
			pipe.input_left = bytes.ElementLength();
		}
		pipes.push_back(std::move(pipe));
	}
	return pipes;
}

Napi::Array to_output(Napi::Env env, const std::vector<SyncPipe> &pipes, const std::vector<bool> &is_pipe)
{
	Napi::Array output = Napi::Array::New(env, is_pipe.size());

	for (uint32_t i = 0, next = 0; i < is_pipe.size(); i++) {
		const SyncPipe *pipe = is_pipe[i] ? &pipes[next++] : nullptr;

		if (pipe && !pipe->is_input)
			output.Set(i, Napi::Buffer<uint8_t>::Copy(env, pipe->output.data(), pipe->output.size()));
		else
			output.Set(i, env.Undefined());
	}
	return output;
}

Napi::Value spawn_sync(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const Napi::Object limits = info[1].As<Napi::Object>();
	Thread &thread = thread_of(info);
	const Request request(info[0].As<Napi::Object>());
	std::vector<bool> is_pipe;

	for (size_t i = 0; i < request.fd_count; i++)
		is_pipe.push_back(request.fds[i] == FD_PIPE);
	const Started started = start(request, Cost::PIDFD);
	count(thread, started, thread.sync_spawns);
	std::vector<SyncPipe> pipes = to_pipes(request, is_pipe, limits.Get("inputs").As<Napi::Array>());
	const pid_t pid = started.job ? afork_job_pid(started.job) : 0;
	SyncResult outcome{-started.error, -1, 0};
	if (started.job)
		outcome = run_sync(started.job, pipes, to_limits(limits));
	else
		close_pipes(pipes);

	Napi::Object result = Napi::Object::New(env);
	result["error"] = Napi::Number::New(env, outcome.error);
	result["pid"] = Napi::Number::New(env, outcome.status < 0 ? 0 : pid);
	result["status"] = Napi::Number::New(env, outcome.status);
	result["signal"] = Napi::Number::New(env, outcome.signal);
	result["output"] = to_output(env, pipes, is_pipe);
	return result;
}

Napi::Value kill(const Napi::CallbackInfo &info)
{
	const int result = thread_of(info).children->kill(info[0].As<Napi::Number>(), info[1].As<Napi::Number>());

	return Napi::Number::New(info.Env(), result);
}

void hold(const Napi::CallbackInfo &info)
{
	thread_of(info).children->hold(info[0].As<Napi::Boolean>());
}

// 0: it has not executed yet, and onStart's callback will be called when it has.
Napi::Value has_started(const Napi::CallbackInfo &info)
{
	const afork_state state = thread_of(info).children->state(info[0].As<Napi::Number>());

	return Napi::Boolean::New(info.Env(), state != AFORK_STARTING);
}

void on_start(const Napi::CallbackInfo &info)
{
	thread_of(info).children->on_start(info[0].As<Napi::Function>());
}

void on_exit(const Napi::CallbackInfo &info)
{
	thread_of(info).children->on_exit(info[0].As<Napi::Function>());
}

void close_unspawned(const Napi::CallbackInfo &info)
{
	uv_loop_s *loop;

	napi_get_uv_event_loop(info.Env(), &loop);
	const ClosingGuard guard(loop);
	info[0].As<Napi::Function>().Call({});
}

Napi::Value counts(const Napi::CallbackInfo &info)
{
	const Napi::Env env = info.Env();
	const Thread &thread = thread_of(info);
	Napi::Object result = Napi::Object::New(env), mechanisms = Napi::Object::New(env);

	for (int mechanism = AFORK_CLONE3; mechanism <= AFORK_WORKER; mechanism++) {
		const uint32_t number = thread.by_mechanism[mechanism];
		if (number > 0)
			mechanisms[afork_mechanism_name(static_cast<afork_mechanism>(mechanism))] =
				Napi::Number::New(env, number);
	}
	result["mechanisms"] = mechanisms;
	result["spawns"] = Napi::Number::New(env, thread.spawns);
	result["syncSpawns"] = Napi::Number::New(env, thread.sync_spawns);
	result["waits"] = Napi::Number::New(env, thread.waits);
	result["unsettled"] = Napi::Number::New(env, thread.unsettled);
	result["looks"] = Napi::Number::New(env, static_cast<double>(thread.children->looks()));
	return result;
}

Napi::Object init(Napi::Env env, Napi::Object exports)
{
	Children *children = Children::create(env);
	if (!children)
		return exports;
	note_inherited_fds();
	afork_reserve_fds();
	env.SetInstanceData(new Thread{children, {}, 0, 0, 0, 0});
	exports["spawn"] = Napi::Function::New(env, spawn);
	exports["spawnSync"] = Napi::Function::New(env, spawn_sync);
	exports["kill"] = Napi::Function::New(env, kill);
	exports["hold"] = Napi::Function::New(env, hold);
	exports["hasStarted"] = Napi::Function::New(env, has_started);
	exports["onStart"] = Napi::Function::New(env, on_start);
	exports["onExit"] = Napi::Function::New(env, on_exit);
	exports["closeUnspawned"] = Napi::Function::New(env, close_unspawned);
	exports["counts"] = Napi::Function::New(env, counts);
	return exports;
}

} // namespace

NODE_API_MODULE(afork, init)
