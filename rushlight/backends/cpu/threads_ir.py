"""The native code of the thread pool; `threads.py` says how it works."""

from __future__ import annotations

from rushlight.backends.cpu.threads_worker_ir import WORKER

MAX_WORKERS = 1024

SERIAL = """
declare i64 @llvm.smin.i64(i64, i64)

define void @pool_serial(ptr %task, ptr %context, i64 %n, i64 %grain) nounwind {
entry:
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %each, label %end
each:
  %begin = phi i64 [0, %entry], [%next, %each]
  %next = add i64 %begin, %grain
  %last = call i64 @llvm.smin.i64(i64 %next, i64 %n)
  call void %task(ptr %context, i64 %begin, i64 %last)
  %more = icmp slt i64 %next, %n
  br i1 %more, label %each, label %end
end:
  ret void
}
"""

# What the caller, the workers and the sleepers write lies on cache lines of its own.
_STATE = f"""
@alone.until = internal global i64 0, align 64 ; the time from which on workers are used again, or 0
@lock = internal global i32 0, align 64       ; held by the caller whose job it is
@places = internal global [{MAX_WORKERS + 1} x [8 x i64]] zeroinitializer, align 64 ; chunks set
                                              ; aside for the caller and each worker: 0, or the
                                              ; first of them times 2^32 and their number
@open = internal global i64 0, align 64       ; grows with every job; odd until its chunks are taken
@shared = internal global i64 0               ; places that have chunks of the job
@finished = internal global i64 0, align 64   ; chunks of the job that are done
@epoch = internal global i32 0, align 64      ; changes with every job: what idle workers sleep on
@idle = internal global i32 0                 ; workers asleep, or about to be
@home = internal global i32 -1                ; the core that the last caller ran on
@asleep = internal global i32 0, align 64     ; 1 while the caller sleeps until its job is finished
@task = internal global ptr null, align 64    ; the job, fixed from the first claim to the last
@context = internal global ptr null
@size = internal global i64 0
@debt = internal global i64 0                 ; chunks run with workers asleep, since the last wake
@grain = internal global i64 0
@chunks = internal global i64 0
@wanted = internal global i32 0, align 64     ; workers asked for
@running = internal global i32 0              ; workers that exist
@refused = internal global i32 0              ; 1 after the system has refused a thread
@alive = internal global [{MAX_WORKERS} x i32] zeroinitializer
"""

_DECLARATIONS = """
declare i64 @syscall(i64, ...)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @clock_gettime(i32, ptr)
declare i32 @sched_yield()
declare i32 @sched_getcpu()
declare i32 @sched_getaffinity(i32, i64, ptr)
declare i32 @sched_setaffinity(i32, i64, ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @sigfillset(ptr)
declare i32 @sigdelset(ptr, i32)

define internal void @futex_wait(ptr %word, i32 %value) noinline nounwind {
  %r = call i64 (i64, ...) @syscall(i64 $FUTEX, ptr %word, i32 128, i32 %value, ptr null)
  ret void
}
define internal void @futex_wake(ptr %word, i32 %count) noinline nounwind {
  %r = call i64 (i64, ...) @syscall(i64 $FUTEX, ptr %word, i32 129, i32 %count, ptr null)
  ret void
}
; Nanoseconds of the monotonic clock.
define internal i64 @now() noinline nounwind {
  %time = alloca [2 x i64], align 16
  %r = call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time
  %part.p = getelementptr i64, ptr %time, i64 1
  %part = load i64, ptr %part.p
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %part
  ret i64 %sum
}
define internal void @pause() alwaysinline nounwind {
  call void asm sideeffect "$PAUSE", "~{memory}"()
  ret void
}
"""

# Each thread has a place with an equal share of the chunks, on a cache line that nobody else writes
# while all keep up: it takes them from the first on, so that a core sees one range of memory, and
# the same one in the next job over it. When its own are gone it helps the others, from their last
# chunk on. A successful claim pins the job: its caller waits for every claimed chunk, so the job's
# fields are read after the claim and need no lock. `own` is 0 for the caller.
_WORK = """
define internal void @work(i64 %own) noinline nounwind {
entry:
  %open = load atomic i64, ptr @open acquire, align 8
  %shared = load atomic i64, ptr @shared monotonic, align 8
  br label %visit
visit:
  %step = phi i64 [0, %entry], [%step.next, %onward]
  %unseen = icmp slt i64 %step, %shared
  br i1 %unseen, label %there, label %close
there:
  %beyond = add i64 %own, %step
  %number = urem i64 %beyond, %shared
  %place = getelementptr [8 x i64], ptr @places, i64 %number
  %is.own = icmp eq i64 %number, %own
  br label %look
look:
  %ran = phi i64 [0, %there], [%ran.more, %run]
  %seen = load atomic i64, ptr %place monotonic, align 8
  br label %try
try:
  %left = phi i64 [%seen, %look], [%found, %claim]
  %some = icmp sgt i64 %left, 0
  br i1 %some, label %claim, label %empty
claim:
  %first = lshr i64 %left, 32
  %count = and i64 %left, 4294967295
  %rest = sub i64 %left, 1
  %later = add i64 %rest, 4294967296
  %kept = select i1 %is.own, i64 %later, i64 %rest
  %only = icmp eq i64 %count, 1
  %fewer = select i1 %only, i64 0, i64 %kept
  %swap = cmpxchg ptr %place, i64 %left, i64 %fewer seq_cst seq_cst
  %found = extractvalue {i64, i1} %swap, 0
  %mine = extractvalue {i64, i1} %swap, 1
  br i1 %mine, label %run, label %try
run:
  %task = load ptr, ptr @task
  %context = load ptr, ptr @context
  %n = load i64, ptr @size
  %grain = load i64, ptr @grain
  %above = add i64 %first, %count
  %last.one = sub i64 %above, 1
  %index = select i1 %is.own, i64 %first, i64 %last.one
  %begin = mul i64 %index, %grain
  %next = add i64 %begin, %grain
  %last = call i64 @llvm.smin.i64(i64 %next, i64 %n)
  call void %task(ptr %context, i64 %begin, i64 %last)
  %ran.more = add i64 %ran, 1
  br label %look
empty:
  %helped = icmp sgt i64 %ran, 0
  br i1 %helped, label %report, label %onward
report:
  %chunks = load i64, ptr @chunks
  %before = atomicrmw add ptr @finished, i64 %ran seq_cst
  %now = add i64 %before, %ran
  %all = icmp eq i64 %now, %chunks
  br i1 %all, label %complete, label %onward
complete:
  %slept = atomicrmw xchg ptr @asleep, i32 0 seq_cst
  %wake = icmp ne i32 %slept, 0
  br i1 %wake, label %notify, label %onward
notify:
  call void @futex_wake(ptr @asleep, i32 1)
  br label %onward
onward:
  %step.next = add i64 %step, 1
  br label %visit
close:
  %latest = load atomic i64, ptr @open monotonic, align 8
  %same = icmp eq i64 %latest, %open
  %odd = trunc i64 %open to i1
  %ajar = and i1 %same, %odd
  br i1 %ajar, label %shut, label %end
shut:
  %even = and i64 %open, -2
  %s = cmpxchg ptr @open, i64 %open, i64 %even seq_cst seq_cst
  br label %end
end:
  ret void
}
"""

# Waking a sleeper costs the caller up to 25 us, more than a small job gains from help. So small
# jobs make do with workers that are awake, until $WAKE chunks have gone by without the others.
# Where a worker has lost its core with a chunk in hand (the caller waits for more than half of its
# own time and $STALL ns), callers go on alone for four times that wait: so stalls cost a fifth of
# the time at most.
_RUN = """
define void @pool_run(ptr %task, ptr %context, i64 %n, i64 %grain) nounwind {
entry:
  %up = add i64 %n, %grain
  %above = sub i64 %up, 1
  %chunks = sdiv i64 %above, %grain
  %several = icmp sgt i64 %chunks, 1
  %wanted = load atomic i32, ptr @wanted monotonic, align 4
  %helped = icmp sgt i32 %wanted, 0
  %countable = icmp slt i64 %chunks, 2147483648
  %possible = and i1 %helped, %countable
  %parallel = and i1 %several, %possible
  br i1 %parallel, label %calm, label %alone
calm:
  %until = load atomic i64, ptr @alone.until monotonic, align 8
  %crowded = icmp ne i64 %until, 0
  br i1 %crowded, label %patience, label %acquire
patience:
  %clock = call i64 @now()
  %yet = icmp slt i64 %clock, %until
  br i1 %yet, label %alone, label %acquire
acquire:
  %swap = cmpxchg ptr @lock, i32 0, i32 1 seq_cst seq_cst
  %held = extractvalue {i32, i1} %swap, 1
  br i1 %held, label %staff, label %alone
alone:
  call void @pool_serial(ptr %task, ptr %context, i64 %n, i64 %grain)
  ret void
staff:
  %running = load atomic i32, ptr @running monotonic, align 4
  %short = icmp slt i32 %running, %wanted
  %refused = load atomic i32, ptr @refused monotonic, align 4
  %willing = icmp eq i32 %refused, 0
  %begin = and i1 %short, %willing
  br i1 %begin, label %start, label %publish
start:
  call void @start(i32 %wanted)
  br label %publish
publish:
  store ptr %task, ptr @task
  store ptr %context, ptr @context
  store i64 %n, ptr @size
  store i64 %grain, ptr @grain
  store i64 %chunks, ptr @chunks
  %cpu = call i32 @sched_getcpu()
  store atomic i32 %cpu, ptr @home monotonic, align 4
  store atomic i64 0, ptr @finished seq_cst, align 8
  %wide = zext i32 %wanted to i64
  %threads = add i64 %wide, 1
  %shared = call i64 @llvm.smin.i64(i64 %threads, i64 %chunks)
  store atomic i64 %shared, ptr @shared monotonic, align 8
  br label %deal
deal:
  %place = phi i64 [0, %publish], [%place.next, %deal]
  %first = phi i64 [0, %publish], [%after, %deal]
  %place.next = add i64 %place, 1
  %upto = mul i64 %place.next, %chunks
  %after = udiv i64 %upto, %shared
  %count = sub i64 %after, %first
  %high = shl i64 %first, 32
  %dealt = or i64 %high, %count
  %word = getelementptr [8 x i64], ptr @places, i64 %place
  store atomic i64 %dealt, ptr %word release, align 8
  %dealing = icmp slt i64 %place.next, %shared
  br i1 %dealing, label %deal, label %announce
announce:
  %before = load atomic i64, ptr @open monotonic, align 8
  %even = and i64 %before, -2
  %odd = add i64 %even, 3
  store atomic i64 %odd, ptr @open seq_cst, align 8
  store atomic i64 0, ptr @alone.until monotonic, align 8
  %e = atomicrmw add ptr @epoch, i32 1 seq_cst
  %idle = load atomic i32, ptr @idle seq_cst, align 4
  %sleepers = icmp sgt i32 %idle, 0
  br i1 %sleepers, label %weigh, label %share
weigh:
  %debt = load i64, ptr @debt
  %sum = add i64 %debt, %chunks
  %worth = icmp sge i64 %sum, $WAKE
  %rest = select i1 %worth, i64 0, i64 %sum
  store i64 %rest, ptr @debt
  br i1 %worth, label %wake, label %share
wake:
  call void @futex_wake(ptr @epoch, i32 1)
  br label %share
share:
  %started = call i64 @now()
  call void @work(i64 0)
  %worked = call i64 @now()
  br label %wait
wait:
  %turn = phi i32 [0, %share], [%turn.next, %pausing]
  %finished = load atomic i64, ptr @finished acquire, align 8
  %done = icmp eq i64 %finished, %chunks
  br i1 %done, label %unlock, label %pausing
pausing:
  call void @pause()
  %turn.next = add i32 %turn, 1
  %more = icmp slt i32 %turn.next, $WAITS
  br i1 %more, label %wait, label %sleep
sleep:
  store atomic i32 1, ptr @asleep seq_cst, align 4
  %late = load atomic i64, ptr @finished seq_cst, align 8
  %over = icmp eq i64 %late, %chunks
  br i1 %over, label %release, label %park
park:
  call void @futex_wait(ptr @asleep, i32 1)
  br label %recheck
recheck:
  %again = load atomic i64, ptr @finished seq_cst, align 8
  %ready = icmp eq i64 %again, %chunks
  br i1 %ready, label %release, label %sleep
release:
  %freed = call i64 @now()
  %waited = sub i64 %freed, %worked
  %took = sub i64 %worked, %started
  %half = ashr i64 %took, 1
  %unfair = icmp sgt i64 %waited, %half
  %slice = icmp sgt i64 %waited, $STALL
  %stalled = and i1 %unfair, %slice
  %pause = shl i64 %waited, 2
  %later = add i64 %freed, %pause
  %resume = select i1 %stalled, i64 %later, i64 0
  store atomic i64 %resume, ptr @alone.until monotonic, align 8
  store atomic i32 0, ptr @asleep seq_cst, align 4
  br label %unlock
unlock:
  store atomic i32 0, ptr @lock seq_cst, align 4
  ret void
}

define void @pool_resize(i32 %wanted) nounwind {
  store atomic i32 %wanted, ptr @wanted seq_cst, align 4
  store atomic i32 0, ptr @refused seq_cst, align 4
  %e = atomicrmw add ptr @epoch, i32 1 seq_cst
  call void @futex_wake(ptr @epoch, i32 2147483647)
  ret void
}

define i32 @pool_workers() nounwind {
  %running = load atomic i32, ptr @running seq_cst, align 4
  ret i32 %running
}

; In the child of a fork no worker exists, and whoever held the lock is gone.
define void @pool_forget() nounwind {
  store i64 0, ptr @open
  call void @llvm.memset.p0.i64(ptr @places, i8 0, i64 $PLACES, i1 false)
  store i64 0, ptr @finished
  store i64 0, ptr @alone.until
  store i32 0, ptr @idle
  store i32 0, ptr @asleep
  store i32 0, ptr @running
  store i32 0, ptr @refused
  call void @llvm.memset.p0.i64(ptr @alive, i8 0, i64 $ALIVE, i1 false)
  store atomic i32 0, ptr @lock seq_cst, align 4
  ret void
}
"""

# By CPU family: the number of the futex system call, the instruction that eases a spinning core,
# and turns of spinning before an idle worker (some 400 us) and before a waiting caller (10) sleeps.
# Python takes up to 200 us between two large operations of a small net; a worker that had fallen
# asleep in between would come too late for each of them.
_FAMILIES = {
    "x86_64": {"$FUTEX": "202", "$PAUSE": "pause", "$SPINS": "16384", "$WAITS": "400"},
    "aarch64": {"$FUTEX": "98", "$PAUSE": "isb", "$SPINS": "32768", "$WAITS": "800"},
}


def pool_ir(family: str) -> str | None:
    """The pool for Linux on a CPU family, None where there is none."""
    names = _FAMILIES.get(family)
    if names is None:
        return None
    ir = SERIAL + _STATE + _DECLARATIONS + _WORK + WORKER + _RUN
    constants = {"$WAKE": "8", "$STALL": "500000", "$ALIVE": str(4 * MAX_WORKERS),
                 "$PLACES": str(64 * (MAX_WORKERS + 1))}
    for name, value in {**names, **constants}.items():
        ir = ir.replace(name, value)
    return ir
