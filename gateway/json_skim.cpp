// SPDX-License-Identifier: Apache-2.0
#include "gateway/json_skim.hpp"

#include <string>

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kMembersMax = 64;

class Skimmer {
 public:
  explicit Skimmer(std::string_view text) : text_(text) {}

  char peek() {
    at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size());
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char expected) {
    if (peek() != expected) return false;
    ++at_;
    return true;
  }
  bool at_end() { return peek() == '\0' && at_ == text_.size(); }
  core::Error bad(const char* what) const {
    return fail(Errc::kBadRequest, "not JSON at byte " + std::to_string(at_) + ": " + what);
  }

  // The text of the value that begins here; empty if none does.
  std::string_view value() {
    const char first = peek();
    const std::size_t start = at_;
    if (first == '"') {
      skip_text();
    } else if (first == '{' || first == '[') {
      skip_container();
    } else {
      at_ = std::min(text_.find_first_of(",:]}\"[{ \t\r\n", at_), text_.size());
    }
    return text_.substr(start, at_ - start);
  }

 private:
  void skip_text() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return;
      }
    }
    at_ = text_.size();
  }
  // Counts brackets of either kind; that they match is for the reader of the value to find.
  void skip_container() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        skip_text();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

char json_first(std::string_view text) {
  return Skimmer(text).peek();
}

core::Result<std::vector<std::string_view>> json_elements(std::string_view array,
                                                          std::size_t most) {
  Skimmer skimmer(array);
  std::vector<std::string_view> elements;
  if (!skimmer.take('[')) return skimmer.bad("an array was expected");
  if (!skimmer.take(']')) {
    do {
      const std::string_view element = skimmer.value();
      if (element.empty()) return skimmer.bad("a value was expected");
      if (elements.size() == most)
        return fail(Errc::kTooLarge, "more than " + std::to_string(most) + " events at once");
      elements.push_back(element);
    } while (skimmer.take(','));
    if (!skimmer.take(']')) return skimmer.bad("',' or ']' was expected");
  }
  if (!skimmer.at_end()) return skimmer.bad("there is more after the array");
  return elements;
}

core::Result<std::vector<JsonMember>> json_members(std::string_view object) {
  Skimmer skimmer(object);
  std::vector<JsonMember> members;
  if (!skimmer.take('{')) return skimmer.bad("an object was expected");
  if (!skimmer.take('}')) {
    do {
      if (skimmer.peek() != '"') return skimmer.bad("a key was expected");
      const std::string_view key = skimmer.value();
      if (!skimmer.take(':')) return skimmer.bad("':' was expected");
      const std::string_view value = skimmer.value();
      if (value.empty()) return skimmer.bad("a value was expected");
      if (members.size() == kMembersMax) return skimmer.bad("an event has few members");
      members.push_back({key, value});
    } while (skimmer.take(','));
    if (!skimmer.take('}')) return skimmer.bad("',' or '}' was expected");
  }
  if (!skimmer.at_end()) return skimmer.bad("there is more after the object");
  return members;
}

}  // namespace sluice::gateway
