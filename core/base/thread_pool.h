// Threads that share the work of one operator.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace zeolite {

// A fixed set of worker threads for parallel loops. The calling thread takes part in every loop,
// so a pool of one has no workers, and workers that start or wake late cost nothing but their help.
// Which thread runs which index is not fixed: bodies write only what belongs to their index, so
// that results are the same for any number of threads.
//
// One loop at a time: parallel_for is called by one thread, and not from inside a body. In a build
// without threads the loop runs on the calling thread. On a page's main thread, which may not
// block, the wait for the last body spins.
class ThreadPool {
 public:
  // Starts `threads` - 1 workers (at least none, at most kMaxThreads - 1). Where the system refuses
  // a thread the pool has fewer: see threads().
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  static constexpr int kMaxThreads = 64;

  // Threads that take part in a loop, the calling one among them: 1 or more.
  int threads() const { return threads_; }

  // Calls body(index) or body(index, thread) for each index in [0, count) and returns when all are
  // done. `thread` in [0, threads()) is never used by two bodies at a time: it selects scratch.
  // Waking workers costs some 10 us, so a body should be worth 10 us or more.
  template <class Body>
  void parallel_for(int64_t count, const Body& body) {
    run(count, &call_body<Body>, &body);
  }

  // Through a pointer even without a pool, so that each body is compiled once.
  template <class Body>
  static void parallel_for(ThreadPool* pool, int64_t count, const Body& body) {
    run_on(pool, count, &call_body<Body>, &body);
  }

 private:
  using Call = void (*)(const void* body, int64_t index, int thread);

  template <class Body>
  static void call_body(const void* body, int64_t index, int thread) {
    if constexpr (std::is_invocable_v<const Body&, int64_t, int>) {
      (*static_cast<const Body*>(body))(index, thread);
    } else {
      (*static_cast<const Body*>(body))(index);
    }
  }

  void run(int64_t count, Call call, const void* body);
  static void run_on(ThreadPool* pool, int64_t count, Call call, const void* body);

  struct Shared;
  std::unique_ptr<Shared> shared_;
  int threads_ = 1;
};

// The same loop with an optional pool: null runs it on the calling thread (as thread 0).
template <class Body>
void parallel_for(ThreadPool* pool, int64_t count, const Body& body) {
  ThreadPool::parallel_for(pool, count, body);
}

}  // namespace zeolite
