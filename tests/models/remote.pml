/* How a task is dispatched to workers: one task that starts again whenever it is
 * believed not to run, two workers, a network that loses and reorders, crashes.
 *
 * I1: two copies are never alive.
 * I4: what the scheduler believes not to run does not run, and cannot start later.
 *
 * Each NO_... takes one guard away; then spin has to find a counterexample.
 *
 * With LIVENESS, faults come to an end at some moment. From then on the network loses
 * nothing, answers come, and time goes on only once all heartbeats are answered; one
 * worker may be down for good. Then all invocations end, the scheduler knows it, and so
 * does the worker that had them. That is a smaller world: until then no question is
 * asked, and one message is under way.
 *
 * Any moment may bring any event, so timeouts and retries need no states of their own:
 * a question is asked again whenever the scheduler likes, a status is sent again until
 * it is acknowledged. A heartbeat and its answer are one event; the answer may be lost.
 * A partition is a network that loses everything for as long as a lease.
 *
 * Numbers grow up to a bound instead of wrapping: a message may be late for ever.
 */

#define WORKERS     2
#define RESTARTS    1   /* of the scheduler or a worker, while there are faults */
#define INVOCATIONS 2
#ifdef LIVENESS
#define QUESTIONS   0
#define MESSAGES    1
#else
#define QUESTIONS   1   /* to one worker, by one scheduler */
#define MESSAGES    2   /* that the network holds at once */
#endif
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

#ifdef LIVENESS
bool is_calm                     /* nothing goes wrong any more */
bool returns                     /* the second worker does, too, when it is down */
byte asked                       /* the last invocation that was asked for since */
#else
#define is_calm false
#define returns false
#endif

#define COPIES (worker[0].is_alive + worker[1].is_alive)

#define IS_OF_RECORD(w) (record[w].instance == worker[w].instance)
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
#ifdef NO_OTHER
#define IS_HERE(invocation) (worker[w].held != NONE)
#else
#define IS_HERE(invocation) (worker[w].held == invocation)
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

#define HAS_ROOM (ON_THE_WAY < MESSAGES)

#define IS_HEARD(w) (record[w].state != UNKNOWN && IS_OF_RECORD(w) && \
                     record[w].quiet == 0 && worker[w].quiet == 0 && \
                     worker[w].scheduler == epoch)
#define MUST_GO(w)  (record[w].state == LOST && IS_OF_RECORD(w))

#ifdef LIVENESS
/* Each invocation is asked for once more, for now the answer comes. */
#define MAY_ASK_NOW (asked != runs_as && HAS_ROOM)
#define IS_AWAITED(w) (!worker[w].is_up && !MAY_BE_GONE(w))
#define IS_IN_TIME(w) (!worker[w].is_up || IS_HEARD(w))
#define MAY_TICK ((waiting && uptime <= LEASE || IS_AWAITED(0) || IS_AWAITED(1)) && \
                  IS_IN_TIME(0) && IS_IN_TIME(1))
#define IS_AT_REST(w) (worker[w].is_up && worker[w].held == NONE && IS_HEARD(w) || \
                       !worker[w].is_up && !worker[w].is_alive && MAY_BE_GONE(w))
ltl settles {
    [] (is_calm -> <> (last_invocation == INVOCATIONS && runs_on == NOBODY &&
                       IS_AT_REST(0) && IS_AT_REST(1)))
}
active proctype Peace() {
    atomic {
        is_calm = true;
        if
        :: returns = true
        :: skip
        fi
    }
}
#else
#define MAY_ASK_NOW true
#define MAY_TICK    true
#endif

#ifdef NO_QUESTION
#define MAY_ASK(w) false
#else
#define MAY_ASK(w) (is_calm -> MAY_ASK_NOW : record[w].sequence < QUESTIONS)
#endif

/* What is too much for the network is lost. */
inline to_w(kind, number, invocation) {
    if
    :: HAS_ROOM ->
        to_worker[w]!kind, epoch, record[w].instance, number, invocation
    :: else
    fi
}

inline to_s(invocation) {
    if
    :: HAS_ROOM ->
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

inline note_asked() {
#ifdef LIVENESS
    if
    :: is_calm -> asked = runs_as
    :: else
    fi
#else
    skip
#endif
}

#define IS_WANTED (!waiting && runs_on == NOBODY && last_invocation < INVOCATIONS)

inline dispatch() {
    last_invocation++;
    runs_on = w;
    runs_as = last_invocation;
    to_w(RUN, record[w].sequence, runs_as);
    w = 0
}

active proctype Scheduler() {
    byte w;
    do
    :: atomic { waiting && WAITED_FOR(0) && WAITED_FOR(1) ->
           waiting = false;
           uptime = 0;
           assert(runs_on != NOBODY || COPIES == 0)
       }
    :: atomic { IS_WANTED && record[0].state == KNOWN -> dispatch() }
    :: atomic { IS_WANTED && record[1].state == KNOWN -> w = 1; dispatch() }
    :: atomic { runs_on != NOBODY && record[runs_on].state == KNOWN &&
               MAY_ASK(runs_on) ->
           w = runs_on;
           note_asked();
           record[w].sequence++;
           to_w(NOTIFY, record[w].sequence, runs_as);
           w = 0
       }
    :: atomic { restarts < RESTARTS && !is_calm ->     /* killed, and started again */
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
    :: atomic { worker[w].is_up && record[w].state == NEW && IS_OF_RECORD(w) &&
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
                   :: !IS_HERE(invocation) -> to_s(invocation)
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
    :: atomic { worker[w].is_up && (!is_calm || MUST_GO(w)) ->
           /* It dies; its wardens end the task. */
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
               (restarts < RESTARTS || is_calm && (w == 0 || returns)) ->
           restarts = (is_calm -> restarts : restarts + 1);
           worker[w].is_up = true;
           worker[w].instance++;
           worker[w].quiet = 0
       }
    od
}

#ifdef NO_RESEND
byte told[WORKERS]
#define IS_TOLD(w)   (told[w] == worker[w].held)
#define note_told(w) told[w] = worker[w].held
#else
#define IS_TOLD(w)   false
#define note_told(w) skip
#endif

/* What a worker says unasked: heartbeats, and what ended until it is acknowledged. */
proctype Voice(byte w) {
    do
    :: atomic { worker[w].is_up && !MUST_GO(w) && (!is_calm || !IS_HEARD(w)) ->
           heard(w);
           if
           :: answered(w)
           :: !is_calm
           fi
       }
    :: atomic { worker[w].is_up && worker[w].held != NONE && !worker[w].is_alive &&
               !IS_TOLD(w) && (!is_calm || IS_HEARD(w) && HAS_ROOM) ->
           to_s(worker[w].held);
           note_told(w)
       }
    od
}

/* Loses any message, and lets any overtake another one. */
proctype Network(byte w) {
    byte from, instance, number, invocation;
    mtype kind;
    do
    :: atomic { (!is_calm || !worker[w].is_up) && len(to_worker[w]) > 0 ->
           to_worker[w]?_, _, _, _, _
       }
    :: atomic { !is_calm && len(to_scheduler[w]) > 0 -> to_scheduler[w]?_, _, _ }
    :: atomic { !is_calm && MESSAGES > 1 && len(to_worker[w]) == MESSAGES ->
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
    :: atomic { MAY_GO_ON(0) && MAY_GO_ON(1) && (!is_calm || MAY_TICK) ->
           AGE(uptime, waiting);
           AGE_OF(0);
           AGE_OF(1)
       }
    od
}

init {
    atomic {
        run Owner(0); run Host(0); run Voice(0); run Network(0);
        run Owner(1); run Host(1); run Voice(1); run Network(1)
    }
}
