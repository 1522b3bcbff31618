/* How a task is dispatched to workers: one task that starts again whenever it is
 * believed not to run, two workers, a network that loses and reorders, crashes.
 *
 * I1: two copies are never alive.
 * I4: what the scheduler believes not to run does not run, and cannot start later.
 *
 * Each NO_... takes one guard away; then spin has to find a counterexample.
 *
 * Any moment may bring any event, so timeouts and retries need no states of their own:
 * a question is asked again whenever the scheduler likes, a status is sent again until
 * it is acknowledged. A heartbeat and its answer are one event; the answer may be lost.
 * A partition is a network that loses everything for as long as a lease.
 *
 * Numbers grow up to a bound instead of wrapping: a message may be late for ever.
 */

#define WORKERS     2
#define RESTARTS    1   /* of the scheduler or a worker */
#define INVOCATIONS 2
#define QUESTIONS   1   /* to one worker, by one scheduler */
#define MESSAGES    2   /* that the network holds at once */
#define LEASE       1   /* ticks without an answer that tasks may outlive */

#define NONE   0
#define NOBODY WORKERS

mtype = { RUN, NOTIFY, ACKNOWLEDGE }
mtype = { UNKNOWN, NEW, KNOWN, LOST }

/* message, scheduler (its epoch), worker instance, sequence number, invocation */
chan to_worker[WORKERS] = [MESSAGES] of { mtype, byte, byte, byte, byte }
/* What ended, was refused or was not there: scheduler, worker instance, invocation */
chan to_scheduler[WORKERS] = [MESSAGES] of { byte, byte, byte }

/* What the scheduler believes. Nobody is known at first, as after a restart. */
byte epoch = 1
byte restarts                    /* that happened */
bool waiting = true              /* the initial wait */
byte uptime
byte runs_on = NOBODY            /* the worker that has the task */
byte runs_as                     /* its invocation */
bool is_over                     /* reported so by a worker that was asked */
byte last_invocation
typedef Record { mtype state = UNKNOWN; byte instance; byte sequence; byte quiet }
Record record[WORKERS]

/* What is true on the worker's host. */
typedef Worker {
    bool is_up = true;
    byte instance = 1;
    byte scheduler;              /* the one that it belongs to */
    byte sequence;
    byte held;                   /* invocation that is not acknowledged yet */
    bool is_alive;               /* its process is */
    byte quiet                   /* ticks since it sent what was answered */
}
Worker worker[WORKERS]

#define COPIES (worker[0].is_alive + worker[1].is_alive)

#define IS_OF_RECORD (record[w].instance == worker[w].instance)
#define HAS_TASKS(w) (worker[w].is_alive || worker[w].scheduler != NONE)
#define MAY_BE_GONE(w) (record[w].state == UNKNOWN || record[w].state == LOST)

/* The guards, and what is left without them. */
#ifdef NO_SEQUENCE
#define IS_NEW_ENOUGH(number) true
#else
#define IS_NEW_ENOUGH(number) (number >= worker[w].sequence)
#endif
#ifdef NO_INVOCATION
#define IS_INVOCATION(invocation) true
#else
#define IS_INVOCATION(invocation) (runs_as == invocation)
#endif
#ifdef NO_INSTANCE
#define IS_STRANGER(instance) false
#else
#define IS_STRANGER(instance) (instance != worker[w].instance)
#endif
#ifdef NO_LEASE
#define MAY_GO_ON(w) true
#else
#define MAY_GO_ON(w) (worker[w].quiet < LEASE || !HAS_TASKS(w))
#endif
#ifdef NO_WAIT
#define WAITED_FOR(w) true
#else
#define WAITED_FOR(w) (record[w].state == KNOWN || (MAY_BE_GONE(w) && uptime > LEASE))
#endif

#define ON_THE_WAY (len(to_worker[0]) + len(to_worker[1]) + \
                    len(to_scheduler[0]) + len(to_scheduler[1]))

/* What is too much for the network is lost. */
inline to_w(kind, number, invocation) {
    if
    :: ON_THE_WAY < MESSAGES ->
        to_worker[w]!kind, epoch, record[w].instance, number, invocation
    :: else
    fi
}

inline to_s(invocation) {
    if
    :: ON_THE_WAY < MESSAGES ->
        to_scheduler[w]!worker[w].scheduler, worker[w].instance, invocation
    :: else
    fi
}

inline believe_not_running() {
    assert(waiting || COPIES == 0);             /* I4, now */
    runs_on = NOBODY;
    runs_as = NONE;
    is_over = false
}

/* The lock and the journals of a worker prove its former instance dead. */
inline heard(w) {
    if
    :: record[w].state == UNKNOWN || record[w].instance != worker[w].instance ->
        if
        :: runs_on == w -> believe_not_running()
        :: else
        fi;
        record[w].state = NEW;
        record[w].instance = worker[w].instance;
        record[w].sequence = 0
    :: else
    fi;
    record[w].quiet = 0
}

inline answered(w) {
    worker[w].quiet = 0;
    if
    :: worker[w].scheduler != epoch ->
        worker[w].scheduler = epoch;
        worker[w].sequence = 0
    :: else
    fi
}

/* An attempt that is over gives way to one that is not, else the older one does. */
inline adopt(w) {
    if
    :: worker[w].held != NONE &&
       (runs_on == NOBODY || (is_over && (worker[w].is_alive ||
                                          worker[w].held > runs_as))) ->
        runs_on = w;
        runs_as = worker[w].held;
        is_over = !worker[w].is_alive
    :: else
    fi;
    record[w].state = KNOWN
}

active proctype Scheduler() {
    byte w;
    do
    :: atomic { waiting && WAITED_FOR(0) && WAITED_FOR(1) ->
           waiting = false;
           uptime = 0;
           assert(runs_on != NOBODY || COPIES == 0)
       }
    :: atomic { !waiting && runs_on == NOBODY && last_invocation < INVOCATIONS ->
           select(w : 0 .. WORKERS - 1);
           if
           :: record[w].state == KNOWN ->
               last_invocation++;
               runs_on = w;
               runs_as = last_invocation;
               to_w(RUN, record[w].sequence, runs_as)
           :: else
           fi;
           w = 0
       }
    :: atomic { runs_on != NOBODY && record[runs_on].state == KNOWN &&
               record[runs_on].sequence < QUESTIONS ->
           w = runs_on;
           record[w].sequence++;
           to_w(NOTIFY, record[w].sequence, runs_as);
           w = 0
       }
    :: atomic { restarts < RESTARTS ->       /* killed, and started again */
           restarts++;
           epoch++;
           waiting = true;
           uptime = 0;
           runs_on = NOBODY;
           runs_as = NONE;
           is_over = false;
           do
           :: w < WORKERS ->
               record[w].state = UNKNOWN;
               record[w].instance = NONE;
               record[w].sequence = 0;
               record[w].quiet = 0;
               w++
           :: else -> break
           od;
           w = 0
       }
    od
}

/* What the scheduler does about one worker. */
proctype Owner(byte w) {
    byte from, instance, invocation;
    do
    :: atomic { (record[w].state == NEW || record[w].state == KNOWN) &&
               record[w].quiet > LEASE ->
           record[w].state = LOST;
           record[w].quiet = 0;
           if
           :: runs_on == w -> believe_not_running()
           :: else
           fi
       }
    :: atomic { to_scheduler[w]?from, instance, invocation ->
           if
           :: from != epoch || instance != record[w].instance ||
              record[w].state == NEW || record[w].state == UNKNOWN
           :: else ->
               to_w(ACKNOWLEDGE, 0, invocation);
               if
               :: runs_on == w && IS_INVOCATION(invocation) -> believe_not_running()
               :: else
               fi
           fi;
           from = 0; instance = 0; invocation = 0
       }
    od
}

proctype Host(byte w) {
    byte from, instance, number, invocation;
    mtype kind;
    do
    :: atomic { worker[w].is_up && (record[w].state != LOST || !IS_OF_RECORD) ->
           heard(w);
           if
           :: answered(w)
           :: skip
           fi
       }
    :: atomic { worker[w].is_up && record[w].state == NEW && IS_OF_RECORD &&
               worker[w].scheduler == epoch ->
           adopt(w)
       }
    :: atomic { worker[w].is_up && len(to_worker[w]) > 0 ->
           to_worker[w]?kind, from, instance, number, invocation;
           if
           :: from != worker[w].scheduler || IS_STRANGER(instance)
           :: else ->
               if
               :: kind == RUN ->
                   if
                   :: worker[w].held == NONE && IS_NEW_ENOUGH(number) ->
                       assert(COPIES == 0);                     /* I1 */
                       assert(from != epoch || waiting ||       /* I4, later */
                              (runs_on == w && runs_as == invocation));
                       worker[w].held = invocation;
                       worker[w].is_alive = true
                   :: else -> to_s(invocation)
                   fi
               :: kind == NOTIFY && number > worker[w].sequence ->
                   worker[w].sequence = number;
                   if
                   :: worker[w].held != invocation -> to_s(invocation)
                   :: else
                   fi
               :: kind == ACKNOWLEDGE && worker[w].held == invocation &&
                  !worker[w].is_alive ->
                   worker[w].held = NONE
               :: else
               fi
           fi;
           kind = 0; from = 0; instance = 0; number = 0; invocation = 0
       }
    :: atomic { worker[w].is_alive ->            /* it ends by itself, or is ended */
           worker[w].is_alive = false;
           if
           :: !worker[w].is_up ->
               worker[w].held = NONE;
               worker[w].quiet = 0
           :: else
           fi
       }
    :: atomic { worker[w].is_up && worker[w].held != NONE && !worker[w].is_alive ->
           to_s(worker[w].held)                  /* until it is acknowledged */
       }
    :: atomic { worker[w].is_up ->               /* dies; its wardens end the task */
           worker[w].is_up = false;
           worker[w].scheduler = NONE;
           worker[w].sequence = 0;
           if
           :: !worker[w].is_alive ->
               worker[w].held = NONE;
               worker[w].quiet = 0
           :: else
           fi
       }
    :: atomic { !worker[w].is_up && !worker[w].is_alive &&
               restarts < RESTARTS ->
           restarts++;
           worker[w].is_up = true;
           worker[w].instance++;
           worker[w].quiet = 0
       }
    od
}

/* Loses any message, and lets any overtake another one. */
proctype Network(byte w) {
    byte from, instance, number, invocation;
    mtype kind;
    do
    :: atomic { to_worker[w]?_, _, _, _, _ }
    :: atomic { to_scheduler[w]?_, _, _ }
    :: atomic { len(to_worker[w]) == MESSAGES ->
           to_worker[w]?kind, from, instance, number, invocation;
           to_worker[w]!kind, from, instance, number, invocation;
           kind = 0; from = 0; instance = 0; number = 0; invocation = 0
       }
    od
}

#define AGE(x, matters) x = (matters && x <= LEASE -> x + 1 : x)
#define AGE_OF(w) \
    AGE(record[w].quiet, !MAY_BE_GONE(w)); AGE(worker[w].quiet, HAS_TASKS(w))

/* No worker's clock runs ahead of the lease while anything of it is alive. */
active proctype Time() {
    do
    :: atomic { MAY_GO_ON(0) && MAY_GO_ON(1) ->
           AGE(uptime, waiting);
           AGE_OF(0);
           AGE_OF(1)
       }
    od
}

init {
    atomic {
        run Owner(0); run Host(0); run Network(0);
        run Owner(1); run Host(1); run Network(1)
    }
}
