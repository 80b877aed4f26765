/* SPDX-License-Identifier: MIT */
/* A slot comes back when its child has left our memory, by exec, exit or death, and not before. */
#include "test.h"

static unsigned occupied(void)
{
	unsigned idle, count;
	for (int i = 0; i < 200; i++)
		slots_reclaim();
	slots_count(&idle, &count);
	return count;
}

static unsigned idle_slots(void)
{
	unsigned idle, count;
	slots_count(&idle, &count);
	return idle;
}

static void expect_none_while(struct afork_job *job)
{
	struct afork_options options = OPTIONS(.file = "/bin/true");
	for (int i = 0; i < 20; i++) {
		check_equal(finish(start(&options)), 0);
		check_equal(occupied(), 1);
	}
	check_equal(afork_job_state(job, NULL), AFORK_STARTING);
	check_equal(afork_job_mechanism(job), expected_mechanism());
}

static void not_before_exec(void)
{
	struct afork_options options = OPTIONS(.file = "/bin/sleep", .argv = VECTOR("sleep", "60"),
					       .actions = &wait_for_writer, .action_count = 1);
	struct afork_job *job = start(&options);
	expect_none_while(job);
	let_go();
	check_equal(afork_job_wait_exec(job, NULL), AFORK_STARTED);
	check_equal(occupied(), 0);
	check_equal(afork_job_wait(job, NULL, WNOHANG), EAGAIN); /* its program runs on */
	check_equal(afork_job_kill(job, SIGKILL), 0);
	finish(job);
}

static void not_before_exit(void)
{
	struct afork_job *job = start_stuck("/nowhere", 0);
	expect_none_while(job);
	let_go();
	check_equal(afork_job_wait_exec(job, NULL), AFORK_FAILED);
	check_equal(occupied(), 0);
	check_equal(exit_code(finish(job)), 127);
}

static void not_before_death(void)
{
	struct afork_job *job = start_stuck("/bin/true", 0);
	expect_none_while(job);
	check_equal(afork_job_kill(job, SIGKILL), 0);
	afork_job_wait_exec(job, NULL);
	check_equal(occupied(), 0);
	check_equal(finish(job), SIGKILL);
}

static void freeing_the_job_frees_no_slot(void)
{
	struct afork_job *job = start_stuck("/bin/true", 0);
	pid_t pid = afork_job_pid(job);
	afork_job_free(job);
	check_equal(occupied(), 1);
	let_go();
	int status;
	check_equal(waitpid(pid, &status, 0), pid);
	check_equal(status, 0);
	check_equal(occupied(), 0);
}

static void a_burst_is_unmapped(void)
{
	enum {
		COUNT = 200
	};
	struct afork_job *jobs[COUNT];
	for (int i = 0; i < COUNT; i++)
		jobs[i] = start_stuck("/bin/true", 0);
	check_equal(occupied(), COUNT);
	for (int i = 0; i < COUNT; i++) {
		check_equal(afork_job_kill(jobs[i], SIGKILL), 0);
		check_equal(finish(jobs[i]), SIGKILL);
	}
	check_equal(occupied(), 0);
	check_equal(idle_slots(), 64);
}

static void forked_copy_starts_afresh(void)
{
	struct afork_job *job = start_stuck("/bin/true", 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct afork_options options = OPTIONS(.file = "/bin/true");
		bool fine = occupied() == 0 && finish(start(&options)) == 0 && occupied() == 0;
		_exit(fine ? 0 : 1);
	}
	int status;
	waitpid(pid, &status, 0);
	check_equal(status, 0);
	check_equal(occupied(), 1);
	let_go();
	check_equal(finish(job), 0);
}

static void guard_page_stops_an_overflow(void)
{
	struct slot *slot = slot_take();
	char path[] = "/proc/self/maps", line[512];
	unsigned long first, last, bottom = (unsigned long)slot->stack;
	bool guarded = false;
	FILE *maps = fopen(path, "re");
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx", &first, &last) == 2 && last == bottom)
			guarded = strstr(line, "---p") != NULL;
	fclose(maps);
	check(guarded);
	slot_give_back(slot);
}

int main(void)
{
	run("a guard page is below the stack", guard_page_stops_an_overflow);
	if (!shares_memory()) {
		skip("a slot comes back", "memory is not shared here");
		return done();
	}
	make_fifo();
	run("not before exec", not_before_exec);
	run("not before exit", not_before_exit);
	run("not before death", not_before_death);
	run("freeing the job frees no slot", freeing_the_job_frees_no_slot);
	run("a burst is unmapped", a_burst_is_unmapped);
	run("a forked copy starts afresh", forked_copy_starts_afresh);
	unlink(fifo_path);
	return done();
}
