"""The native code of the thread pool; `threads.py` says how it works."""

from __future__ import annotations

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
@unclaimed = internal global i64 0, align 64  ; chunks that nobody has taken: 0, or the first of
                                              ; them times 2^32 and their number
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

# Take chunks and run them until none is left: the caller from the first on, workers from the last,
# so that a core sees one range of memory, and the same one in the next job over it. A successful
# claim pins the job: its caller waits for every claimed chunk, so the job's fields are read after
# the claim and need no lock.
_WORK = """
define internal void @work(i1 %caller) noinline nounwind {
entry:
  br label %look
look:
  %seen = load atomic i64, ptr @unclaimed monotonic, align 8
  br label %try
try:
  %left = phi i64 [%seen, %look], [%found, %claim]
  %some = icmp sgt i64 %left, 0
  br i1 %some, label %claim, label %end
claim:
  %first = lshr i64 %left, 32
  %count = and i64 %left, 4294967295
  %rest = sub i64 %left, 1
  %later = add i64 %rest, 4294967296
  %kept = select i1 %caller, i64 %later, i64 %rest
  %only = icmp eq i64 %count, 1
  %fewer = select i1 %only, i64 0, i64 %kept
  %swap = cmpxchg ptr @unclaimed, i64 %left, i64 %fewer seq_cst seq_cst
  %found = extractvalue {i64, i1} %swap, 0
  %mine = extractvalue {i64, i1} %swap, 1
  br i1 %mine, label %run, label %try
run:
  %task = load ptr, ptr @task
  %context = load ptr, ptr @context
  %n = load i64, ptr @size
  %grain = load i64, ptr @grain
  %chunks = load i64, ptr @chunks
  %above = add i64 %first, %count
  %last.one = sub i64 %above, 1
  %index = select i1 %caller, i64 %first, i64 %last.one
  %begin = mul i64 %index, %grain
  %next = add i64 %begin, %grain
  %last = call i64 @llvm.smin.i64(i64 %next, i64 %n)
  call void %task(ptr %context, i64 %begin, i64 %last)
  %before = atomicrmw add ptr @finished, i64 1 seq_cst
  %now = add i64 %before, 1
  %all = icmp eq i64 %now, %chunks
  br i1 %all, label %complete, label %look
complete:
  %slept = atomicrmw xchg ptr @asleep, i32 0 seq_cst
  %wake = icmp ne i32 %slept, 0
  br i1 %wake, label %notify, label %end
notify:
  call void @futex_wake(ptr @asleep, i32 1)
  br label %end
end:
  ret void
}
"""

# An idle worker spins, offering its core to others now and then, and then sleeps. One that is woken
# wakes two more if there is work, so that a caller pays for one wake-up only, however many cores.
# On the caller's own core, where wake-ups tend to leave it, it would only be in the way: it moves
# to another by striking that core from its affinity for a moment, or sleeps if there is none. A
# worker leaves when fewer are wanted than its number. It blocks the signals that are Python's to
# handle, so that they interrupt the thread that waits for them.
_WORKER = """
define internal i1 @at_home() alwaysinline nounwind {
  %cpu = call i32 @sched_getcpu()
  %home = load atomic i32, ptr @home monotonic, align 4
  %same = icmp eq i32 %cpu, %home
  ret i1 %same
}

define internal i1 @step_aside() noinline nounwind {
entry:
  %all = alloca [1024 x i8], align 64
  %others = alloca [1024 x i8], align 64
  call void @llvm.memset.p0.i64(ptr %all, i8 0, i64 1024, i1 false)
  %error = call i32 @sched_getaffinity(i32 0, i64 1024, ptr %all)
  %failed = icmp ne i32 %error, 0
  br i1 %failed, label %stay, label %strike
strike:
  call void @llvm.memcpy.p0.p0.i64(ptr %others, ptr %all, i64 1024, i1 false)
  %home = load atomic i32, ptr @home monotonic, align 4
  %byte = lshr i32 %home, 3
  %low = and i32 %home, 7
  %shift = trunc i32 %low to i8
  %bit = shl i8 1, %shift
  %mask = xor i8 %bit, -1
  %inside = icmp ult i32 %byte, 1024
  br i1 %inside, label %clear, label %stay
clear:
  %at = getelementptr i8, ptr %others, i32 %byte
  %old = load i8, ptr %at
  %new = and i8 %old, %mask
  store i8 %new, ptr %at
  %refused = call i32 @sched_setaffinity(i32 0, i64 1024, ptr %others)
  %back = call i32 @sched_setaffinity(i32 0, i64 1024, ptr %all)
  %moved = icmp eq i32 %refused, 0
  ret i1 %moved
stay:
  ret i1 false
}

define internal ptr @worker(ptr %argument) nounwind {
entry:
  %index = ptrtoint ptr %argument to i64
  %number = trunc i64 %index to i32
  %signals = alloca [256 x i8], align 16
  %f = call i32 @sigfillset(ptr %signals)
  %ill = call i32 @sigdelset(ptr %signals, i32 4)
  %bus = call i32 @sigdelset(ptr %signals, i32 7)
  %fpe = call i32 @sigdelset(ptr %signals, i32 8)
  %segv = call i32 @sigdelset(ptr %signals, i32 11)
  %m = call i32 @pthread_sigmask(i32 0, ptr %signals, ptr null)
  br label %serve
serve:
  %near = call i1 @at_home()
  br i1 %near, label %aside, label %help
aside:
  %moved = call i1 @step_aside()
  br i1 %moved, label %help, label %sleep
help:
  call void @work(i1 false)
  br label %spin
spin:
  %turn = phi i32 [0, %help], [%turn.next, %again], [%turn.next, %count]
  %wanted = load atomic i32, ptr @wanted seq_cst, align 4
  %leave = icmp sge i32 %number, %wanted
  br i1 %leave, label %exit, label %peek
peek:
  %left = load atomic i64, ptr @unclaimed monotonic, align 8
  %busy = icmp sgt i64 %left, 0
  br i1 %busy, label %serve, label %again
again:
  call void @pause()
  %turn.next = add i32 %turn, 1
  %phase = and i32 %turn.next, 63
  %polite = icmp eq i32 %phase, 0
  br i1 %polite, label %yield, label %spin
yield:
  %y = call i32 @sched_yield()
  %met = call i1 @at_home()
  br i1 %met, label %aside, label %count
count:
  %more = icmp slt i32 %turn.next, $SPINS
  br i1 %more, label %spin, label %sleep
sleep:
  %unhelpful = phi i1 [true, %aside], [false, %count]
  %i = atomicrmw add ptr @idle, i32 1 seq_cst
  %epoch = load atomic i32, ptr @epoch seq_cst, align 4
  %late = load atomic i64, ptr @unclaimed seq_cst, align 8
  %left.over = icmp sgt i64 %late, 0
  %helpful = xor i1 %unhelpful, true
  %work = and i1 %left.over, %helpful
  %wanted2 = load atomic i32, ptr @wanted seq_cst, align 4
  %leave2 = icmp sge i32 %number, %wanted2
  %stay = or i1 %work, %leave2
  br i1 %stay, label %awake, label %wait
wait:
  call void @futex_wait(ptr @epoch, i32 %epoch)
  br label %awake
awake:
  %before = atomicrmw sub ptr @idle, i32 1 seq_cst
  %others = icmp sgt i32 %before, 1
  %plenty = load atomic i64, ptr @unclaimed monotonic, align 8
  %number.left = and i64 %plenty, 4294967295
  %more.work = icmp sgt i64 %number.left, 2
  %pass.on = and i1 %others, %more.work
  br i1 %pass.on, label %wake, label %serve
wake:
  call void @futex_wake(ptr @epoch, i32 2)
  br label %serve
exit:
  %r = atomicrmw sub ptr @running, i32 1 seq_cst
  %slot = getelementptr i32, ptr @alive, i64 %index
  store atomic i32 0, ptr %slot seq_cst, align 4
  ret ptr null
}

define internal void @start(i32 %wanted) noinline nounwind {
entry:
  %thread = alloca i64
  br label %each
each:
  %k = phi i32 [0, %entry], [%next, %continue]
  %more = icmp slt i32 %k, %wanted
  br i1 %more, label %slot, label %end
slot:
  %index = zext i32 %k to i64
  %flag = getelementptr i32, ptr @alive, i64 %index
  %swap = cmpxchg ptr %flag, i32 0, i32 1 seq_cst seq_cst
  %free = extractvalue {i32, i1} %swap, 1
  br i1 %free, label %create, label %continue
create:
  %r = atomicrmw add ptr @running, i32 1 seq_cst
  %argument = inttoptr i64 %index to ptr
  %error = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %argument)
  %failed = icmp ne i32 %error, 0
  br i1 %failed, label %refuse, label %detach
detach:
  %t = load i64, ptr %thread
  %d = call i32 @pthread_detach(i64 %t)
  br label %continue
refuse:
  %u = atomicrmw sub ptr @running, i32 1 seq_cst
  store atomic i32 0, ptr %flag seq_cst, align 4
  store atomic i32 1, ptr @refused seq_cst, align 4
  br label %end
continue:
  %next = add i32 %k, 1
  br label %each
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
  store atomic i64 %chunks, ptr @unclaimed seq_cst, align 8
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
  call void @work(i1 true)
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
  store i64 0, ptr @unclaimed
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
    ir = SERIAL + _STATE + _DECLARATIONS + _WORK + _WORKER + _RUN
    constants = {"$WAKE": "8", "$STALL": "500000", "$ALIVE": str(4 * MAX_WORKERS)}
    for name, value in {**names, **constants}.items():
        ir = ir.replace(name, value)
    return ir
