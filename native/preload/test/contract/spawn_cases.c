/* SPDX-License-Identifier: MIT */
/* Programs: those that run, those that do not, and how they are found. */
#include "contract.h"
#include <elf.h>
#include <sched.h>
#include <sys/mount.h>

static void spawn(const char *file)
{
	say_spawn(&(struct spawn){.file = file});
}

static void spawnp(const char *file)
{
	say_spawn(&(struct spawn){.file = file, .search = true});
}

/* --- that run --- */

static void exits(void)
{
	say_shell("exit 0", NULL, NULL);
	say_shell("exit 42", NULL, NULL);
}

static void output(void)
{
	say_shell("echo out; echo err >&2", NULL, NULL);
}

static void is_killed(void)
{
	say_shell("kill -9 $$", NULL, NULL);
	say_shell("kill -TERM $$", NULL, NULL);
}

static void sees_what_is_inherited(void)
{
	umask(026);
	int kept = open("/dev/null", O_RDONLY), lost = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(kept, 50);
	dup3(lost, 51, O_CLOEXEC);
	say_show(NULL, NULL);
	say_descriptors();
}

static void arguments(void)
{
	const char *const argv[] = {"name of its own", "-c", "echo $0 $# \"$@\"", "zero", "", "a b", NULL};
	say_spawn(&(struct spawn){.file = "/bin/sh", .argv = argv});
}

static void environment(void)
{
	char *const envp[] = {(char *)"ONE=1", (char *)"ONE=2", (char *)"NOTHING", NULL}, *const none[] = {NULL};
	say_spawn(&(struct spawn){.file = "/usr/bin/env", .envp = envp});
	say_spawn(&(struct spawn){.file = "/usr/bin/env", .envp = none});
}

static void no_environment_at_all(void)
{
	const char *const argv[] = {"env", NULL};
	pid_t pid;
	int status, kept = fcntl(1, F_DUPFD_CLOEXEC, 100);
	dup2(open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 1);
	int error = posix_spawn(&pid, "/usr/bin/env", NULL, NULL, (char *const *)argv, NULL);
	dup2(kept, 1);
	waitpid(pid, &status, 0);
	say("error %d", error);
	say_status(status);
	say_file("file");
}

static void no_arguments(void)
{
	const char *const argv[] = {NULL};
	say_spawn(&(struct spawn){.file = "/bin/true", .argv = argv});
}

static void nobody_asks_for_the_pid(void)
{
	const char *const argv[] = {"sh", "-c", "exit 4", NULL};
	int status;
	say("error %d", posix_spawn(NULL, "/bin/sh", NULL, NULL, (char *const *)argv, environ));
	say(" %d", wait(&status) > 0);
	say_status(status);
}

static void script(void)
{
	const char *const argv[] = {"ldd", "--help", NULL};
	say_spawn(&(struct spawn){.file = "/usr/bin/ldd", .argv = argv});
}

static void fresh_script(void)
{
	make_file("script", 0755, "#! \t/bin/sh -e\necho $0 $1\nfalse\necho not here\n");
	const char *const argv[] = {"x", "one", NULL};
	say_spawn(&(struct spawn){.file = "./script", .argv = argv});
	say_spawn(&(struct spawn){.file = "script", .argv = argv});
}

static void script_of_script(void)
{
	char inner[256], text[300];
	snprintf(inner, sizeof inner, "%s/inner", getcwd(text, sizeof text));
	make_file("inner", 0755, "#!/bin/sh\necho inner $#\n");
	snprintf(text, sizeof text, "#!%s\n", inner);
	make_file("outer", 0755, text);
	spawn("./outer");
}

static void removed_at_once(void)
{
	pid_t pid;
	int status;
	copy_file("/bin/true", "program", 0755);
	const char *const argv[] = {"program", NULL};
	int error = posix_spawn(&pid, "./program", NULL, NULL, (char *const *)argv, environ);
	unlink("program");
	say("error %d", error);
	waitpid(pid, &status, 0);
	say_status(status);
}

static void set_user_id_program(void)
{
	const char *const argv[] = {"su", "--version", NULL};
	if (be_nobody())
		say_spawn(&(struct spawn){.file = "/bin/su", .argv = argv});
}

/* Only to execute, not to read: nobody can look into it. */
static void unreadable_program(void)
{
	copy_file("/bin/true", "program", 0711);
	if (!be_nobody())
		return;
	spawn("./program");
	spawn("./program");
	spawn("./program");
}

/* --- that do not --- */

static void missing(void)
{
	spawn("/nowhere/at/all");
	spawn("nothing");
	spawn("");
	spawn("/bin/true/x");
	spawn("./true\n");
}

static void not_executable(void)
{
	make_file("plain", 0644, "#!/bin/sh\n");
	spawn("./plain");
	spawn("/tmp");
	spawn("/etc/passwd");
}

static void strange_paths(void)
{
	char path[6000];
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = 0;
	spawn(path);
	path[300] = 0;
	spawn(path);
	if (symlink("loop", "loop"))
		say("?");
	spawn("./loop");
	spawn("/proc/self/exe/x");
}

static void dangling_link(void)
{
	if (symlink("nothing", "link"))
		say("?");
	spawn("./link");
}

static void of_no_format(void)
{
	make_file("empty", 0755, "");
	make_file("text", 0755, "echo hello\n");
	make_file("short", 0755, "#");
	make_file("hash", 0755, "#!");
	make_file("blank", 0755, "#!   \n");
	make_file("argument", 0755, "#! \n/bin/sh\n");
	spawn("./empty");
	spawn("./text");
	spawn("./short");
	spawn("./hash");
	spawn("./blank");
	spawn("./argument");
}

static void of_bad_interpreter(void)
{
	char text[512] = "#!/";
	make_file("nowhere", 0755, "#!/nowhere/sh\n");
	make_file("passwd", 0755, "#!/etc/passwd\n");
	make_file("directory", 0755, "#!/tmp\n");
	make_file("relative", 0755, "#!no/such/sh\n");
	memset(text + 3, 'a', 400);
	make_file("long", 0755, text);
	make_file("no-newline", 0755, "#!/bin/true");
	spawn("./nowhere");
	spawn("./passwd");
	spawn("./directory");
	spawn("./relative");
	spawn("./long");
	spawn("./no-newline");
}

static void too_many_interpreters(void)
{
	char name[16], text[600], here[512];
	if (!getcwd(here, sizeof here))
		return;
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "s%d", i);
		snprintf(text, sizeof text, i ? "#!%s/s%d\n" : "#!/bin/true\n", here, i - 1);
		make_file(name, 0755, text);
	}
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "./s%d", i);
		spawn(name);
	}
}

/* A copy of /bin/true with one byte changed, or cut short. */
static void damaged(size_t at, unsigned char byte, off_t size)
{
	copy_file("/bin/true", "damaged", 0755);
	int fd = open("damaged", O_WRONLY | O_CLOEXEC);
	if ((at && pwrite(fd, &byte, 1, (off_t)at) != 1) || (size && ftruncate(fd, size)))
		say("?");
	close(fd);
	spawn("./damaged");
	unlink("damaged");
}

static void damaged_elf(void)
{
	damaged(EI_CLASS, ELFCLASS32, 0);
	damaged(offsetof(Elf64_Ehdr, e_machine), EM_S390, 0);
	damaged(offsetof(Elf64_Ehdr, e_type), ET_REL, 0);
	damaged(offsetof(Elf64_Ehdr, e_phentsize), 7, 0);
	damaged(offsetof(Elf64_Ehdr, e_phnum) + 1, 0xff, 0);
	damaged(offsetof(Elf64_Ehdr, e_phoff) + 3, 0x7f, 0);
	damaged(0, 0, 70);
	damaged(0, 0, 20);
}

static void copy_with_other_interpreter(const char *path, const char *interpreter, mode_t mode)
{
	static char bytes[1 << 20];
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, bytes, sizeof bytes);
	close(fd);
	char *name = memmem(bytes, (size_t)size, "/ld-linux", 9);
	if (!name) {
		say("no interpreter here");
		return;
	}
	while (name[-1])
		name--;
	strncpy(name, interpreter, strlen(name));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (write(fd, bytes, (size_t)size) != size || fchmod(fd, mode))
		say("?");
	close(fd);
}

/* A program whose interpreter is not there, is not executable, is a script, a directory, nothing. */
static void elf_of_bad_interpreter(void)
{
	static const char *const others[] = {"/nowhere/at/all", "/etc/passwd", "./interp", "/tmp", ""};
	make_file("interp", 0755, "#!/bin/sh\n");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		copy_with_other_interpreter("program", others[i], 0755);
		spawn("./program");
		unlink("program");
	}
}

static void busy(void)
{
	copy_file("/bin/true", "busy", 0755);
	int fd = open("busy", O_WRONLY | O_CLOEXEC);
	spawn("./busy");
	close(fd);
	spawn("./busy");
}

static void of_mount_without_exec(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir("mnt", 0755) ||
	    mount("none", "mnt", "tmpfs", MS_NOEXEC, NULL)) {
		say("without root");
		return;
	}
	copy_file("/bin/true", "mnt/true", 0755);
	spawn("mnt/true");
	make_file("script", 0755, "#!/mnt/true\n");
	spawn("./script");
	umount("mnt");
}

static void in_closed_directory(void)
{
	mkdir("closed", 0700);
	copy_file("/bin/true", "closed/true", 0755);
	if (be_nobody())
		spawn("closed/true");
}

/* --- arguments too large --- */

static char *of_size(size_t size)
{
	char *text = malloc(size + 1);
	memset(text, 'a', size);
	text[size] = 0;
	return text;
}

static void spawn_with(const char *argument, size_t times)
{
	const char **argv = calloc(times + 2, sizeof *argv);
	argv[0] = "true";
	for (size_t i = 1; i <= times; i++)
		argv[i] = argument;
	say_spawn(&(struct spawn){.file = "/bin/true", .argv = argv});
}

static void large_arguments(void)
{
	spawn_with(of_size(90000), 1);
	spawn_with(of_size(131071), 1);
	spawn_with(of_size(131072), 1);
	spawn_with(of_size(1000), 1800);
	spawn_with(of_size(1000), 2200);
	spawn_with("", 100000);
	spawn_with("", 300000);
}

static void large_arguments_small_stack(void)
{
	struct rlimit limit = {512 << 10, 512 << 10};
	setrlimit(RLIMIT_STACK, &limit);
	spawn_with(of_size(1000), 90);
	spawn_with(of_size(1000), 140);
}

/* --- PATH --- */

static void search(void)
{
	char *const envp[] = {(char *)"PATH=/nowhere", NULL};
	const char *const argv[] = {"sh", "-c", "echo $PATH", NULL};
	setenv("PATH", "/nowhere:/usr/bin:/bin", 1);
	say_spawn(&(struct spawn){.file = "sh", .argv = argv, .envp = envp, .search = true}); /* the caller's counts */
	spawnp("nothing-of-this-name");
	spawnp("/bin/true");
	spawnp("bin/true");
	spawnp("");
}

static void search_without_path(void)
{
	unsetenv("PATH");
	spawnp("true");
	setenv("PATH", "", 1);
	spawnp("true");
	make_file("local", 0755, "#!/bin/sh\necho $0\n");
	spawnp("local");
}

static void search_passes_refusals(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("a/both", 0755);
	make_file("a/plain", 0644, "");
	make_file("b/both", 0755, "#!/bin/sh\necho b\n");
	setenv("PATH", "a:a/plain:b", 1);
	spawnp("both");
	spawnp("plain");
	spawnp("neither");
	setenv("PATH", "a/plain:b", 1);
	spawnp("neither");
	setenv("PATH", "b:a/plain", 1);
	spawnp("neither");
}

static void search_stops_at_bad_format(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	make_file("a/both", 0755, "echo a\n");
	make_file("b/both", 0755, "#!/bin/sh\necho b\n");
	setenv("PATH", "a:b", 1);
	spawnp("both");
	/* A missing interpreter is a missing file to execvp(): it goes on. */
	make_file("a/both", 0755, "#!/nowhere/at/all\n");
	spawnp("both");
}

/* Nobody can look into the first program, which cannot execute. That the second one can proves nothing of the first. */
static void search_finds_second(void)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	copy_with_other_interpreter("a/both", "/nowhere", 0711);
	make_file("b/both", 0755, "#!/bin/sh\necho b\n");
	setenv("PATH", "a:b", 1);
	if (!be_nobody())
		return;
	spawnp("both");
	spawnp("both");
}

static void search_strange(void)
{
	char path[9000], name[400];
	memset(path, 'p', sizeof path);
	memcpy(path + 5000, ":/bin", 6);
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	spawnp(name);
	setenv("PATH", path, 1);
	spawnp("true");
	setenv("PATH", "/bin:", 1);
	spawnp("nothing");
	setenv("PATH", "::/bin//", 1);
	spawnp("true");
}

const struct test_case spawn_cases[] = {
	{"exits", exits, "afork:2", NULL},
	{"output", output, "afork", NULL},
	{"is killed", is_killed, "afork:2", NULL},
	{"inherits", sees_what_is_inherited, "fresh", "afork"},
	{"arguments", arguments, "afork", NULL},
	{"environment", environment, "afork:2", NULL},
	{"no environment at all", no_environment_at_all, "afork", NULL},
	{"no arguments", no_arguments, "afork", NULL},
	{"nobody asks for the pid", nobody_asks_for_the_pid, "afork", NULL},
	{"script", script, "afork", NULL},
	{"fresh script", fresh_script, "fresh:2", "afork:2"},
	{"script of script", script_of_script, "fresh", "afork"},
	{"removed at once", removed_at_once, "fresh", "-"},
	{"set-user-id program", set_user_id_program, "afork", NULL},
	{"unreadable program", unreadable_program, "fresh:3", "afork:2 program"},
	{"missing", missing, "answered:5", NULL},
	{"not executable", not_executable, "answered:3", NULL},
	{"strange paths", strange_paths, "program:4", NULL},
	{"dangling link", dangling_link, "answered", NULL},
	{"of no format", of_no_format, "fresh:6", "program:6"},
	{"of bad interpreter", of_bad_interpreter, "fresh:6", "program:6"},
	{"too many interpreters", too_many_interpreters, "fresh:8", "afork:3 program:5"},
	{"damaged ELF", damaged_elf, "fresh:8", "program:8"},
	{"ELF of bad interpreter", elf_of_bad_interpreter, "fresh:5", "program:5"},
	{"busy", busy, "fresh:2", "-"},
	{"of mount without exec", of_mount_without_exec, "answered fresh", "answered program"},
	{"in closed directory", in_closed_directory, "answered", NULL},
	{"large arguments", large_arguments, NULL, NULL},
	{"large arguments, small stack", large_arguments_small_stack, "afork arguments", NULL},
	{"search", search, "afork:2 answered:3", NULL},
	{"search without PATH", search_without_path, "afork answered fresh", "afork:2 answered"},
	{"search passes refusals", search_passes_refusals, "answered:4 fresh", "afork answered:4"},
	{"search stops at bad format", search_stops_at_bad_format, "fresh:2", "program:2"},
	{"search finds the second", search_finds_second, "fresh:2", "program:2"},
	{"search, strange", search_strange, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};
