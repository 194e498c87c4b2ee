// Compiled once by setup.sh, so that Emscripten builds the system libraries that Zeolite links.
#include <emscripten/bind.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#ifdef __EMSCRIPTEN_PTHREADS__
#include <condition_variable>
#include <mutex>
#include <thread>
#endif

std::string describe(std::vector<int> values, const std::string& name) {
  std::unordered_map<std::string, std::function<double()>> table;
  table[name] = [&values] { return std::pow(2.0, static_cast<double>(values.size())); };
  std::sort(values.begin(), values.end());
#ifdef __EMSCRIPTEN_PTHREADS__
  std::mutex mutex;
  std::condition_variable done;
  std::thread([&] {
    std::lock_guard<std::mutex> lock(mutex);
    done.notify_all();
  }).join();
#endif
  char text[32];
  auto end = std::to_chars(text, text + sizeof(text), table[name]());
  return std::string(text, end.ptr);
}

EMSCRIPTEN_BINDINGS(libraries) {
  emscripten::register_vector<int>("Values");
  emscripten::function("describe", &describe);
}
