// gateway/relay/fifo.h: a queue that costs nothing while it is empty and nothing per element.
//
// Contract    As std::deque's push_back, front and pop_front; at(i) counts from the front. Memory
//             goes back when it runs empty after having been long.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace spar::gateway::relay {

template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }
  T& back() { return items_.back(); }
  T& at(std::size_t i) { return items_[head_ + i]; }
  const T& at(std::size_t i) const { return items_[head_ + i]; }

  void push(T item) { items_.push_back(std::move(item)); }
  T pop() {
    T item = std::move(items_[head_++]);
    if (empty()) clear();
    if (head_ >= kUnusedMax && head_ * 2 > items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return item;
  }
  void pop_back() {
    items_.pop_back();
    if (empty()) clear();
  }
  void erase(std::size_t i) {
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(head_ + i));
    if (empty()) clear();
  }
  void clear() {
    constexpr std::size_t kKept = 32;
    items_.clear();
    head_ = 0;
    if (items_.capacity() > kKept) std::vector<T>().swap(items_);
  }

 private:
  static constexpr std::size_t kUnusedMax = 256;
  std::vector<T> items_;
  std::size_t head_ = 0;
};

}  // namespace spar::gateway::relay
