/* The least that running short tasks takes: what no dispatcher in one loop can beat.
 *
 *     limit TASKS SLOTS COMMAND [WORD ...]          nothing is read
 *     limit --files DIR TASKS SLOTS COMMAND ...     two pipes, and a file, for each task
 *
 * Keeps SLOTS children running with vfork and execv, waits on their pidfds with epoll.
 * With --files each task gets its number and DIR/NUMBER as its last two words; its pipes
 * are drained to their end, and the file is read and unlinked, before it counts as over.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIDFD, OUT, ERR, DESCRIPTORS };

struct slot {
    pid_t pid;
    int fd[DESCRIPTORS];
    int open;
    char number[24];
    char file[4096];
};

static struct slot *slots;
static const char *dir;
static char **words;
static int epoll, null;

static void need(int holds, const char *what) {
    if (!holds) {
        perror(what);
        exit(1);
    }
}

static void watch(struct slot *s, int which) {
    uint64_t key = (uint64_t)(s - slots) * DESCRIPTORS + which;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};
    need(!epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd[which], &event), "epoll_ctl");
    s->open++;
}

static void forget(struct slot *s, int which) {
    /* A child between vfork and exec still holds it: closing alone leaves it watched. */
    epoll_ctl(epoll, EPOLL_CTL_DEL, s->fd[which], NULL);
    close(s->fd[which]);
    s->open--;
}

static void start(struct slot *s, int last, int number) {
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    if (dir) {
        snprintf(s->number, sizeof s->number, "%d", number);
        snprintf(s->file, sizeof s->file, "%s/%d", dir, number);
        words[last] = s->number;
        words[last + 1] = s->file;
        need(!pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC), "pipe2");
    }
    pid_t pid = vfork();
    need(pid >= 0, "vfork");
    if (pid == 0) {
        dup2(null, 0);
        if (dir) {
            dup2(out[1], 1);
            dup2(err[1], 2);
        }
        execv(words[0], words);
        _exit(127);
    }
    s->pid = pid;
    s->open = 0;
    s->fd[PIDFD] = (int)syscall(SYS_pidfd_open, pid, 0);
    need(s->fd[PIDFD] >= 0, "pidfd_open");
    watch(s, PIDFD);
    if (dir) {
        close(out[1]);
        close(err[1]);
        s->fd[OUT] = out[0];
        s->fd[ERR] = err[0];
        watch(s, OUT);
        watch(s, ERR);
    }
}

static void take(struct slot *s, int which) {
    char buffer[65536];
    if (which == PIDFD) {
        int status;
        need(waitpid(s->pid, &status, 0) == s->pid, "waitpid");
        if (status) {
            fprintf(stderr, "limit: a task ended with wait status %d\n", status);
            exit(1);
        }
        forget(s, which);
    } else if (read(s->fd[which], buffer, sizeof buffer) <= 0) {
        forget(s, which);
    }
}

static void finish(struct slot *s) {
    char buffer[65536];
    if (!dir)
        return;
    int fd = open(s->file, O_RDONLY | O_CLOEXEC);
    need(fd >= 0 && read(fd, buffer, sizeof buffer) > 0, s->file);
    close(fd);
    unlink(s->file);
}

int main(int argc, char **argv) {
    if (argc > 2 && !strcmp(argv[1], "--files")) {
        dir = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 4) {
        fprintf(stderr, "usage: limit [--files DIR] TASKS SLOTS COMMAND [WORD ...]\n");
        return 2;
    }
    int tasks = atoi(argv[1]), width = atoi(argv[2]), last = argc - 3;
    slots = calloc(width, sizeof *slots);
    words = calloc(last + 3, sizeof *words);
    need(slots && words, "calloc");
    memcpy(words, argv + 3, last * sizeof *words);
    null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    need(null >= 0 && epoll >= 0, "epoll_create1");
    int begun = 0, ended = 0;
    while (begun < width && begun < tasks) {
        start(&slots[begun], last, begun);
        begun++;
    }
    while (ended < tasks) {
        struct epoll_event events[64];
        int found = epoll_wait(epoll, events, 64, -1);
        need(found >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < found; i++) {
            struct slot *s = &slots[events[i].data.u64 / DESCRIPTORS];
            take(s, events[i].data.u64 % DESCRIPTORS);
            if (s->open)
                continue;
            finish(s);
            ended++;
            if (begun < tasks)
                start(s, last, begun++);
        }
    }
    return 0;
}
