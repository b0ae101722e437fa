"""The native code of one worker of the thread pool; `threads.py` says how it works."""

from __future__ import annotations

# An idle worker spins, offering its core to others now and then, and then sleeps. One that is woken
# wakes two more if there is work, so that a caller pays for one wake-up only, however many cores.
# On the caller's own core, where wake-ups tend to leave it, it would only be in the way: it moves
# to another by striking that core from its affinity for a moment, or sleeps if there is none. A
# worker leaves when fewer are wanted than its number. It blocks the signals that are Python's to
# handle, so that they interrupt the thread that waits for them.
WORKER = """
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
  %own = add i64 %index, 1
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
  call void @work(i64 %own)
  br label %spin
spin:
  %turn = phi i32 [0, %help], [%turn.next, %again], [%turn.next, %count]
  %wanted = load atomic i32, ptr @wanted seq_cst, align 4
  %leave = icmp sge i32 %number, %wanted
  br i1 %leave, label %exit, label %peek
peek:
  %open = load atomic i64, ptr @open monotonic, align 8
  %busy = trunc i64 %open to i1
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
  %late = load atomic i64, ptr @open seq_cst, align 8
  %left.over = trunc i64 %late to i1
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
  %still = load atomic i64, ptr @open monotonic, align 8
  %more.work = trunc i64 %still to i1
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
