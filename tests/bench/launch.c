/* launch.c -- runs a program to its end and prints what that took: cpu_us, wall_us, peak_kib.
 *
 *   launch PROGRAM [ARGUMENTS...]
 *
 * Small on purpose: a process's peak (ru_maxrss) begins with the memory of the one that forked it.
 * The program may open as many descriptors as there may be, dies with us, and its exit code is
 * ours.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double us(struct timeval time)
{
    return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void run(char **argv)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    struct rusage use;
    int status;
    double begin = now_us();
    pid_t pid = argc > 1 ? fork() : -1;
    if (pid == 0)
        run(argv + 1);
    if (pid < 0 || wait4(pid, &status, 0, &use) != pid)
        return 126;
    printf("\ncpu_us=%.0f wall_us=%.0f peak_kib=%ld\n", us(use.ru_utime) + us(use.ru_stime),
           now_us() - begin, use.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
