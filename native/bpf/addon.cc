// SPDX-License-Identifier: MIT
/* The JavaScript interface of object.h. Arguments are copied in and results copied out; a failure becomes an Error with errno and log. */
#include "capabilities.h"
#include "fifo.h"
#include "notify.h"
#include "object.h"
#include "pages.h"

#include <napi.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace
{

using forktax::Failure;

void throw_failure(Napi::Env env, const Failure &failure)
{
	Napi::Error error = Napi::Error::New(env, failure.what + ": " + strerror(failure.error));

	error.Set("errno", Napi::Number::New(env, failure.error));
	error.Set("log", Napi::String::New(env, failure.log));
	error.ThrowAsJavaScriptException();
}

/* All callers are typed TypeScript. This check only keeps a mistake from crashing the process. */
bool expect(const Napi::CallbackInfo &info, bool good)
{
	if (!good)
		Napi::TypeError::New(info.Env(), "bad arguments").ThrowAsJavaScriptException();
	return good;
}

struct Bytes {
	uint8_t *data;
	size_t size;
};

Bytes bytes_of(const Napi::Value &value)
{
	auto array = value.As<Napi::Uint8Array>();
	return {array.Data(), array.ByteLength()};
}

bool is_bytes(const Napi::Value &value)
{
	return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

class BpfObject : public Napi::ObjectWrap<BpfObject>
{
      public:
	static Napi::Function define(Napi::Env env)
	{
		return DefineClass(env, "BpfObject",
				   {
					   InstanceMethod<&BpfObject::programs>("programs"),
					   InstanceMethod<&BpfObject::set_autoload>("setAutoload"),
					   InstanceMethod<&BpfObject::set_attach_target>("setAttachTarget"),
					   InstanceMethod<&BpfObject::set_max_entries>("setMaxEntries"),
					   InstanceMethod<&BpfObject::set_map_folder>("setMapFolder"),
					   InstanceMethod<&BpfObject::set_rodata>("setRodata"),
					   InstanceMethod<&BpfObject::layout>("layout"),
					   InstanceMethod<&BpfObject::load>("load"),
					   InstanceMethod<&BpfObject::attach>("attach"),
					   InstanceMethod<&BpfObject::run_program>("runProgram"),
					   InstanceMethod<&BpfObject::map_fd>("mapFd"),
					   InstanceMethod<&BpfObject::open_ring>("openRing"),
					   InstanceMethod<&BpfObject::read_global>("readGlobal"),
					   InstanceMethod<&BpfObject::write_global>("writeGlobal"),
					   InstanceMethod<&BpfObject::read_map>("readMap"),
					   InstanceMethod<&BpfObject::take_entry>("takeEntry"),
					   InstanceMethod<&BpfObject::drain_ring>("drainRing"),
					   InstanceMethod<&BpfObject::program_stats>("programStats"),
					   InstanceMethod<&BpfObject::close>("close"),
				   });
	}

	explicit BpfObject(const Napi::CallbackInfo &info) : Napi::ObjectWrap<BpfObject>(info)
	{
		if (expect(info, info.Length() == 1 && info[0].IsString()))
			check(info, object_.open(info[0].As<Napi::String>()));
	}

      private:
	forktax::Object object_;

	bool check(const Napi::CallbackInfo &info, const Failure &failure)
	{
		if (!failure.ok())
			throw_failure(info.Env(), failure);
		return failure.ok();
	}

	Napi::Value programs(const Napi::CallbackInfo &info)
	{
		auto names = object_.program_names();
		auto result = Napi::Array::New(info.Env(), names.size());

		for (size_t i = 0; i < names.size(); i++)
			result[i] = Napi::String::New(info.Env(), names[i]);
		return result;
	}

	void set_autoload(const Napi::CallbackInfo &info)
	{
		if (expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsBoolean()))
			check(info, object_.set_autoload(info[0].As<Napi::String>(), info[1].As<Napi::Boolean>()));
	}

	void set_attach_target(const Napi::CallbackInfo &info)
	{
		if (expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsString()))
			check(info, object_.set_attach_target(info[0].As<Napi::String>(), info[1].As<Napi::String>()));
	}

	void set_max_entries(const Napi::CallbackInfo &info)
	{
		if (expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsNumber()))
			check(info, object_.set_max_entries(info[0].As<Napi::String>(),
							    info[1].As<Napi::Number>().Uint32Value()));
	}

	void set_map_folder(const Napi::CallbackInfo &info)
	{
		if (expect(info, info.Length() == 1 && info[0].IsString()))
			check(info, object_.set_map_folder(info[0].As<Napi::String>()));
	}

	void set_rodata(const Napi::CallbackInfo &info)
	{
		if (!expect(info, info.Length() == 2 && info[0].IsString() && is_bytes(info[1])))
			return;
		Bytes bytes = bytes_of(info[1]);
		check(info, object_.set_rodata(info[0].As<Napi::String>(), bytes.data, bytes.size));
	}

	Napi::Value layout(const Napi::CallbackInfo &info)
	{
		Napi::Env env = info.Env();
		forktax::Layout layout;

		if (!expect(info, info.Length() == 1 && info[0].IsString()) ||
		    !check(info, object_.layout(info[0].As<Napi::String>(), &layout)))
			return env.Undefined();
		auto fields = Napi::Object::New(env);
		for (const forktax::Field &field : layout.fields) {
			auto place = Napi::Object::New(env);
			place.Set("offset", field.offset);
			place.Set("size", field.size);
			fields.Set(field.name, place);
		}
		auto result = Napi::Object::New(env);
		result.Set("size", layout.size);
		result.Set("fields", fields);
		return result;
	}

	void load(const Napi::CallbackInfo &info)
	{
		check(info, object_.load());
	}

	void attach(const Napi::CallbackInfo &info)
	{
		if (!expect(info, info.Length() >= 1 && info[0].IsString()))
			return;
		if (info.Length() > 1 && info[1].IsString())
			check(info, object_.attach_pinned(info[0].As<Napi::String>(), info[1].As<Napi::String>()));
		else
			check(info, object_.attach(info[0].As<Napi::String>()));
	}

	void run_program(const Napi::CallbackInfo &info)
	{
		if (expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsNumber()))
			check(info,
			      object_.run_program(info[0].As<Napi::String>(), info[1].As<Napi::Number>().Int32Value()));
	}

	Napi::Value map_fd(const Napi::CallbackInfo &info)
	{
		if (!expect(info, info.Length() == 1 && info[0].IsString()))
			return info.Env().Undefined();
		return Napi::Number::New(info.Env(), object_.map_fd(info[0].As<Napi::String>()));
	}

	void open_ring(const Napi::CallbackInfo &info)
	{
		if (expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsNumber()))
			check(info,
			      object_.open_ring(info[0].As<Napi::String>(), info[1].As<Napi::Number>().Uint32Value()));
	}

	void read_global(const Napi::CallbackInfo &info)
	{
		if (!expect(info, info.Length() == 2 && info[0].IsString() && is_bytes(info[1])))
			return;
		Bytes bytes = bytes_of(info[1]);
		check(info, object_.read_global(info[0].As<Napi::String>(), bytes.data, bytes.size));
	}

	void write_global(const Napi::CallbackInfo &info)
	{
		if (!expect(info, info.Length() == 2 && info[0].IsString() && is_bytes(info[1]) && object_.loaded()))
			return;
		Bytes bytes = bytes_of(info[1]);
		check(info, object_.write_global(info[0].As<Napi::String>(), bytes.data, bytes.size));
	}

	/* (map, keys, values) → number of entries, at most as many as fit into both buffers */
	Napi::Value read_map(const Napi::CallbackInfo &info)
	{
		Napi::Env env = info.Env();
		uint32_t entries = 0;

		if (!expect(info, info.Length() == 3 && info[0].IsString() && is_bytes(info[1]) && is_bytes(info[2])))
			return env.Undefined();
		std::string map = info[0].As<Napi::String>();
		Bytes keys = bytes_of(info[1]), values = bytes_of(info[2]);
		uint32_t key_size = object_.key_size(map), value_size = (object_.value_size(map) + 7) & ~7u;
		if (!expect(info, key_size > 0 && value_size > 0))
			return env.Undefined();
		auto capacity = static_cast<uint32_t>(std::min(keys.size / key_size, values.size / value_size));
		if (!check(info, object_.read_map(map, keys.data, values.data, capacity, &entries)))
			return env.Undefined();
		return Napi::Number::New(env, entries);
	}

	/* (map, key, value) → whether the entry was there */
	Napi::Value take_entry(const Napi::CallbackInfo &info)
	{
		Napi::Env env = info.Env();

		if (!expect(info, info.Length() == 3 && info[0].IsString() && is_bytes(info[1]) && is_bytes(info[2])))
			return env.Undefined();
		std::string map = info[0].As<Napi::String>();
		Bytes key = bytes_of(info[1]), value = bytes_of(info[2]);
		if (!expect(info, key.size == object_.key_size(map) && value.size == object_.value_size(map)))
			return env.Undefined();
		Failure result = object_.take_entry(map, key.data, value.data);
		if (result.error == ENOENT)
			return Napi::Boolean::New(env, false);
		return check(info, result) ? Napi::Boolean::New(env, true) : env.Undefined();
	}

	/* (map, bytes) → how many bytes were filled */
	Napi::Value drain_ring(const Napi::CallbackInfo &info)
	{
		Napi::Env env = info.Env();
		size_t size = 0;

		if (!expect(info, info.Length() == 2 && info[0].IsString() && is_bytes(info[1])))
			return env.Undefined();
		Bytes bytes = bytes_of(info[1]);
		if (!check(info, object_.drain_ring(info[0].As<Napi::String>(), bytes.data, bytes.size, &size)))
			return env.Undefined();
		return Napi::Number::New(env, static_cast<double>(size));
	}

	Napi::Value program_stats(const Napi::CallbackInfo &info)
	{
		Napi::Env env = info.Env();
		std::vector<forktax::ProgramStats> stats;

		if (!check(info, object_.program_stats(&stats)))
			return env.Undefined();
		auto result = Napi::Array::New(env, stats.size());
		for (size_t i = 0; i < stats.size(); i++) {
			auto one = Napi::Object::New(env);
			one.Set("program", stats[i].name);
			one.Set("runs", static_cast<double>(stats[i].runs));
			one.Set("runNs", static_cast<double>(stats[i].run_ns));
			one.Set("missed", static_cast<double>(stats[i].missed));
			result[i] = one;
		}
		return result;
	}

	void close(const Napi::CallbackInfo &)
	{
		object_.close();
	}
};

Napi::Value kernel_btf_has(const Napi::CallbackInfo &info)
{
	if (!expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsString()))
		return info.Env().Undefined();
	return Napi::Boolean::New(info.Env(),
				  forktax::kernel_btf_has(info[0].As<Napi::String>(), info[1].As<Napi::String>()));
}

/* (descriptor) → whether nobody else has the lock, flock(2). It lasts as long as the descriptor is open. */
Napi::Value try_lock(const Napi::CallbackInfo &info)
{
	if (!expect(info, info.Length() == 1 && info[0].IsNumber()))
		return info.Env().Undefined();
	return Napi::Boolean::New(info.Env(), flock(info[0].As<Napi::Number>().Int32Value(), LOCK_EX | LOCK_NB) == 0);
}

/* (path, mode, capacity) → descriptor */
Napi::Value open_fifo(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();

	if (!expect(info, info.Length() == 3 && info[0].IsString() && info[1].IsNumber() && info[2].IsNumber()))
		return env.Undefined();
	int fd = forktax::open_fifo(info[0].As<Napi::String>(), info[1].As<Napi::Number>().Uint32Value(),
				    info[2].As<Napi::Number>().Uint32Value());
	if (fd < 0) {
		throw_failure(env, {-fd, "cannot open the FIFO", ""});
		return env.Undefined();
	}
	return Napi::Number::New(env, fd);
}

/* (permitted, effective), masks as bigints */
void reduce_capabilities(const Napi::CallbackInfo &info)
{
	bool lossless = true;

	if (!expect(info, info.Length() == 2 && info[0].IsBigInt() && info[1].IsBigInt()))
		return;
	int error = forktax::reduce_capabilities(info[0].As<Napi::BigInt>().Uint64Value(&lossless),
						 info[1].As<Napi::BigInt>().Uint64Value(&lossless));
	if (error)
		throw_failure(info.Env(), {error, "cannot drop capabilities", ""});
}

/* (socket, message) */
void notify_manager(const Napi::CallbackInfo &info)
{
	if (!expect(info, info.Length() == 2 && info[0].IsString() && info[1].IsString()))
		return;
	int error = forktax::notify_manager(info[0].As<Napi::String>(), info[1].As<Napi::String>());
	if (error)
		throw_failure(info.Env(), {error, "cannot reach the service manager", ""});
}

void release_pages(const Napi::CallbackInfo &info)
{
	int error = forktax::release_pages();
	if (error)
		throw_failure(info.Env(), {error, "cannot give pages back", ""});
}

Napi::Object initialize(Napi::Env env, Napi::Object exports)
{
	exports.Set("BpfObject", BpfObject::define(env));
	exports.Set("kernelBtfHas", Napi::Function::New(env, kernel_btf_has));
	exports.Set("pageSize", Napi::Number::New(env, static_cast<double>(sysconf(_SC_PAGESIZE))));
	exports.Set("notifyManager", Napi::Function::New(env, notify_manager));
	exports.Set("releasePages", Napi::Function::New(env, release_pages));
	exports.Set("openFifo", Napi::Function::New(env, open_fifo));
	exports.Set("tryLock", Napi::Function::New(env, try_lock));
	exports.Set("reduceCapabilities", Napi::Function::New(env, reduce_capabilities));
	return exports;
}

} // namespace

NODE_API_MODULE(forktax_bpf, initialize)
