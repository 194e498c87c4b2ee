// An operator's options: any of the option structs of schema/options.h, or none.
#pragma once

#include <utility>

#include "core/graph/option_fields.h"
#include "schema/options.h"

namespace zeolite {

class Options {
 public:
  Options() = default;
  template <class T>
  explicit(false) Options(T value)
      : info_(&T::kInfo), value_(new T(std::move(value))) {}
  Options(const Options& other)
      : info_(other.info_), value_(other.info_ ? other.info_->clone(other.value_) : nullptr) {}
  Options(Options&& other) noexcept
      : info_(std::exchange(other.info_, nullptr)), value_(std::exchange(other.value_, nullptr)) {}
  Options& operator=(Options other) noexcept {
    std::swap(info_, other.info_);
    std::swap(value_, other.value_);
    return *this;
  }
  ~Options() {
    if (info_ != nullptr) info_->destroy(value_);
  }
  // A struct of `info` with the schema's defaults.
  static Options defaults_of(const OptionsInfo& info) {
    Options result;
    result.info_ = &info;
    result.value_ = info.create();
    return result;
  }

  // The struct, or null when the options are of another table or absent.
  template <class T>
  const T* get() const {
    return info_ == &T::kInfo ? static_cast<const T*>(value_) : nullptr;
  }
  template <class T>
  T* get_mutable() {
    return info_ == &T::kInfo ? static_cast<T*>(value_) : nullptr;
  }
  // The struct, or one with the schema's defaults: files may leave a table of defaults out.
  template <class T>
  T value_or_default() const {
    const T* value = get<T>();
    return value != nullptr ? *value : T();
  }

  const OptionsInfo* info() const { return info_; }
  const void* raw() const { return value_; }
  void* raw() { return value_; }

 private:
  const OptionsInfo* info_ = nullptr;
  void* value_ = nullptr;
};

}  // namespace zeolite
