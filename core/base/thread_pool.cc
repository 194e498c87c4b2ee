#include "core/base/thread_pool.h"

#include <algorithm>

#if defined(ZEOLITE_THREADS)
#include <pthread.h>

#include <atomic>
#endif

namespace zeolite {

#if defined(ZEOLITE_THREADS)

namespace {

// About 5 to 10 us: longer spins on a busy machine take the very core that the awaited thread
// needs (measured: a thousand times slower dispatch), shorter ones pay a wake-up for every
// operator.
constexpr int kSpins = 4000;

// Indices are 32 bits wide beside the loop's generation in one word; longer loops are run in parts.
constexpr int64_t kMaxCount = 1 << 30;

}  // namespace

// One loop is `ticket`: its generation in the high half, the number of unclaimed indices in the low
// half. A thread claims an index by compare-and-swap of the whole word, so one that comes late,
// with the ticket of a finished loop, can neither claim an index nor be waited for. The loop's
// other fields are written before the ticket that makes its indices claimable, and read only by who
// has claimed one, which keeps them from changing.
struct ThreadPool::Shared {
  std::atomic<uint64_t> ticket{0};
  std::atomic<uint32_t> count{0};
  std::atomic<Call> call{nullptr};
  std::atomic<const void*> body{nullptr};
  std::atomic<uint32_t> done{0};
  std::atomic<bool> stop{false};
  std::atomic<int> sleeping{0};
  std::atomic<bool> caller_sleeps{false};
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
  pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
  struct Worker {
    Shared* shared;
    int thread;
    pthread_t handle;
  };
  Worker workers[kMaxThreads];

  static uint32_t generation_of(uint64_t ticket) { return static_cast<uint32_t>(ticket >> 32); }

  // Runs indices of the loop of `generation` until none is left.
  void take_part(uint32_t generation, int thread) {
    uint64_t seen = ticket.load(std::memory_order_acquire);
    for (;;) {
      const uint32_t left = static_cast<uint32_t>(seen);
      if (generation_of(seen) != generation || left == 0) return;
      if (!ticket.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
        continue;
      }
      const uint32_t total = count.load(std::memory_order_relaxed);
      call.load(std::memory_order_relaxed)(body.load(std::memory_order_relaxed), total - left,
                                           thread);
      if (done.fetch_add(1, std::memory_order_seq_cst) + 1 == total &&
          caller_sleeps.load(std::memory_order_seq_cst)) {
        pthread_mutex_lock(&mutex);
        pthread_cond_signal(&finished);
        pthread_mutex_unlock(&mutex);
      }
      seen = ticket.load(std::memory_order_acquire);
    }
  }

  // Waits for a loop after that of `seen`; returns its generation.
  uint32_t wait_for_work(uint32_t seen) {
    for (int spin = 0; spin < kSpins; ++spin) {
      const uint32_t now = generation_of(ticket.load(std::memory_order_acquire));
      if (now != seen || stop.load(std::memory_order_relaxed)) return now;
    }
    pthread_mutex_lock(&mutex);
    sleeping.fetch_add(1, std::memory_order_seq_cst);
    uint32_t now;
    while ((now = generation_of(ticket.load(std::memory_order_seq_cst))) == seen &&
           !stop.load(std::memory_order_seq_cst)) {
      pthread_cond_wait(&wake, &mutex);
    }
    sleeping.fetch_sub(1, std::memory_order_seq_cst);
    pthread_mutex_unlock(&mutex);
    return now;
  }

  void wait_until_done(uint32_t total) {
    for (int spin = 0; spin < kSpins; ++spin) {
      if (done.load(std::memory_order_acquire) == total) return;
    }
    pthread_mutex_lock(&mutex);
    caller_sleeps.store(true, std::memory_order_seq_cst);
    while (done.load(std::memory_order_seq_cst) != total) pthread_cond_wait(&finished, &mutex);
    caller_sleeps.store(false, std::memory_order_relaxed);
    pthread_mutex_unlock(&mutex);
  }

  static void* work(void* argument) {
    const Worker& worker = *static_cast<const Worker*>(argument);
    Shared& shared = *worker.shared;
    uint32_t generation = 0;
    for (;;) {
      generation = shared.wait_for_work(generation);
      if (shared.stop.load(std::memory_order_acquire)) return nullptr;
      shared.take_part(generation, worker.thread);
    }
  }
};

ThreadPool::ThreadPool(int threads) {
  threads = std::clamp(threads, 1, kMaxThreads);
  if (threads == 1) return;
  shared_ = std::make_unique<Shared>();
  for (; threads_ < threads; ++threads_) {
    Shared::Worker& worker = shared_->workers[threads_];
    worker.shared = shared_.get();
    worker.thread = threads_;
    if (pthread_create(&worker.handle, nullptr, &Shared::work, &worker) != 0) break;
  }
}

ThreadPool::~ThreadPool() {
  if (shared_ == nullptr) return;
  pthread_mutex_lock(&shared_->mutex);
  shared_->stop.store(true, std::memory_order_seq_cst);
  pthread_cond_broadcast(&shared_->wake);
  pthread_mutex_unlock(&shared_->mutex);
  for (int thread = 1; thread < threads_; ++thread) {
    pthread_join(shared_->workers[thread].handle, nullptr);
  }
}

void ThreadPool::run(int64_t count, Call call, const void* body) {
  if (threads_ == 1 || count <= 1 || count > kMaxCount) {
    for (int64_t index = 0; index < count; ++index) call(body, index, 0);
    return;
  }
  Shared& shared = *shared_;
  const uint32_t total = static_cast<uint32_t>(count);
  const uint32_t generation =
      Shared::generation_of(shared.ticket.load(std::memory_order_relaxed)) + 1;
  shared.done.store(0, std::memory_order_relaxed);
  shared.count.store(total, std::memory_order_relaxed);
  shared.call.store(call, std::memory_order_relaxed);
  shared.body.store(body, std::memory_order_relaxed);
  shared.ticket.store(static_cast<uint64_t>(generation) << 32 | total, std::memory_order_seq_cst);
  if (shared.sleeping.load(std::memory_order_seq_cst) > 0) {
    pthread_mutex_lock(&shared.mutex);
    if (total > 2) {
      pthread_cond_broadcast(&shared.wake);
    } else {
      pthread_cond_signal(&shared.wake);
    }
    pthread_mutex_unlock(&shared.mutex);
  }
  shared.take_part(generation, 0);
  shared.wait_until_done(total);
}

#else

struct ThreadPool::Shared {};

ThreadPool::ThreadPool(int) {}

ThreadPool::~ThreadPool() = default;

void ThreadPool::run(int64_t count, Call call, const void* body) {
  for (int64_t index = 0; index < count; ++index) call(body, index, 0);
}

#endif

void ThreadPool::run_on(ThreadPool* pool, int64_t count, Call call, const void* body) {
  if (pool != nullptr) {
    pool->run(count, call, body);
    return;
  }
  for (int64_t index = 0; index < count; ++index) call(body, index, 0);
}

}  // namespace zeolite
