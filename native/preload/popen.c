/* SPDX-License-Identifier: MIT */
/*
 * popen() and pclose(), on our posix_spawn(). The FILE is fdopen()'s, so glibc's own fclose() would not wait for the
 * command as it does for a stream of glibc's popen(): fclose() is therefore here too.
 */
#include "preload.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

struct stream {
	struct stream *next;
	FILE *file;
	pid_t pid;
	bool writes;
};

/*
 * Held over the spawn: a stream of another thread must either be closed in this child, or still be close-on-exec.
 * Recursive, as glibc's is, for a signal handler that calls popen() meanwhile.
 */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static struct stream *streams;

static struct stream **link_of(const FILE *file)
{
	struct stream **link = &streams;
	while (*link && (*link)->file != file)
		link = &(*link)->next;
	return link;
}

static void *take_memory(size_t size)
{
	uint64_t mask = block_all_signals();
	void *memory = malloc(size);
	set_signal_mask(mask);
	return memory;
}

static void give_memory(void *memory)
{
	uint64_t mask = block_all_signals();
	free(memory);
	set_signal_mask(mask);
}

/* --- popen --- */

struct mode {
	bool reads, writes, close_on_exec;
};

/* As glibc: in any order, and as often as one likes. */
static bool read_mode(struct mode *mode, const char *text)
{
	*mode = (struct mode){0};
	for (; *text; text++) {
		mode->reads = mode->reads || *text == 'r';
		mode->writes = mode->writes || *text == 'w';
		mode->close_on_exec = mode->close_on_exec || *text == 'e';
		if (*text != 'r' && *text != 'w' && *text != 'e')
			return false;
	}
	return mode->reads != mode->writes;
}

struct ends {
	int ours, theirs;
	int number; /* what theirs becomes in the child */
};

/* Close-on-exec until the child is made. */
static bool open_ends(struct ends *ends, const struct mode *mode)
{
	int pipe[2];
	if (pipe2(pipe, O_CLOEXEC))
		return false;
	*ends = (struct ends){pipe[mode->writes], pipe[!mode->writes], mode->reads ? 1 : 0};
	return true;
}

/* POSIX: streams of earlier popen()s are closed in the child. With the lock held. */
static int add_actions(posix_spawn_file_actions_t *actions, const struct ends *ends)
{
	int error = posix_spawn_file_actions_adddup2(actions, ends->theirs, ends->number);
	for (const struct stream *stream = streams; stream && !error; stream = stream->next) {
		int fd = fileno(stream->file);
		if (fd >= 0 && fd != ends->number)
			error = posix_spawn_file_actions_addclose(actions, fd);
	}
	return error;
}

static int spawn_shell(struct stream *stream, const char *command, const struct ends *ends)
{
	char *const plain[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	char *const dashes[] = {(char *)"sh", (char *)"-c", (char *)"--", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	int error = add_actions(&actions, ends);
	if (!error)
		error = spawn_request(&(struct request){
			.pid = &stream->pid,
			.file = "/bin/sh",
			.actions = &actions,
			.argv = next()->shell_dashes ? dashes : plain,
			.envp = environ,
		});
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* With the lock held. */
static int start(struct stream *stream, const char *command, const struct ends *ends, const struct mode *mode)
{
	int error = spawn_shell(stream, command, ends);
	if (error)
		return error;
	if (!mode->close_on_exec)
		fcntl(ends->ours, F_SETFD, 0);
	stream->writes = mode->writes;
	stream->next = streams;
	__atomic_store_n(&streams, stream, __ATOMIC_RELEASE);
	return 0;
}

static int start_locked(struct stream *stream, const char *command, const struct ends *ends, const struct mode *mode)
{
	int state;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	pthread_mutex_lock(&lock);
	int error = start(stream, command, ends, mode);
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(state, NULL);
	return error && !next()->popen_tells_errno ? ENOMEM : error;
}

static FILE *open_stream(struct stream *stream, const char *command, const struct mode *mode)
{
	struct ends ends;
	if (!open_ends(&ends, mode))
		return NULL;
	stream->file = fdopen(ends.ours, mode->writes ? "w" : "r");
	int error = stream->file ? start_locked(stream, command, &ends, mode) : errno;
	close(ends.theirs);
	if (!error) {
		fwide(stream->file, -1); /* of bytes, says POSIX */
		return stream->file;
	}
	if (stream->file)
		next()->fclose(stream->file);
	else
		close(ends.ours);
	errno = error;
	return NULL;
}

EXPORT FILE *popen(const char *command, const char *text)
{
	struct mode mode;
	if (!process_usable()) {
		count(WAY_PROCESS);
		return next()->popen(command, text);
	}
	if (!read_mode(&mode, text)) {
		errno = EINVAL;
		return NULL;
	}
	struct stream *stream = take_memory(sizeof *stream);
	if (!stream) {
		errno = ENOMEM;
		return NULL;
	}
	FILE *file = open_stream(stream, command, &mode);
	if (!file)
		give_memory(stream);
	return file;
}

/* --- pclose --- */

static bool is_ours(const FILE *file, bool *writes)
{
	pthread_mutex_lock(&lock);
	const struct stream *stream = *link_of(file);
	if (stream)
		*writes = stream->writes;
	pthread_mutex_unlock(&lock);
	return stream != NULL;
}

static struct stream *unlink_stream(const FILE *file)
{
	pthread_mutex_lock(&lock);
	struct stream **link = link_of(file);
	struct stream *stream = *link;
	if (stream)
		*link = stream->next;
	pthread_mutex_unlock(&lock);
	return stream;
}

static int wait_for(pid_t pid)
{
	int status, state;
	pid_t waited;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	do
		waited = waitpid(pid, &status, 0);
	while (waited < 0 && errno == EINTR);
	pthread_setcancelstate(state, NULL);
	return waited < 0 ? -1 : status;
}

/*
 * The order is glibc's: what is buffered goes out while others still know the stream (that may take long, and a child
 * made meanwhile must not keep it open); then it is forgotten, closed, and waited for. Not waited for when the program
 * has closed the descriptor itself. An error of writing shows only when the command itself was fine.
 */
static int close_stream(FILE *file, bool writes)
{
	bool unwritten = writes && fflush(file) != 0;
	if (unwritten)
		__fpurge(file);
	struct stream *stream = unlink_stream(file);
	if (!stream) /* another thread has it: the program's fault */
		return -1;
	pid_t pid = stream->pid;
	bool open = raw(SYS_fcntl, fileno(file), F_GETFD) >= 0;
	give_memory(stream);
	int closed = next()->fclose(file);
	int status = open ? wait_for(pid) : -1;
	return status ? status : unwritten ? -1 : closed;
}

static int close_file(FILE *file, int (*others)(FILE *))
{
	bool writes;
	/* The usual fclose(): no popen() stream is open. */
	if (!__atomic_load_n(&streams, __ATOMIC_ACQUIRE) || !is_ours(file, &writes))
		return others(file);
	return close_stream(file, writes);
}

EXPORT int pclose(FILE *file)
{
	return close_file(file, next()->pclose);
}

EXPORT int fclose(FILE *file)
{
	return close_file(file, next()->fclose);
}

/* --- fork() --- */

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

/* It is locked by a thread that has another id here. */
static void in_forked(void)
{
	lock = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

__attribute__((constructor(FORKS_POPEN))) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, in_forked);
}
