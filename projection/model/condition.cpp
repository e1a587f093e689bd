// SPDX-License-Identifier: Apache-2.0
#include "projection/model/condition.hpp"

#include <compare>
#include <string>

#include "projection/model/words.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using Kind = Condition::Kind;
using Typed = Extractor::Typed;

bool is_there(const Value& value) {
  return value.present() && value.kind != Value::Kind::kNull;
}

// Exact, which a conversion to double is not.
std::partial_ordering order(std::int64_t a, double b) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (b >= kEnd) return std::partial_ordering::less;
  if (b < -kEnd) return std::partial_ordering::greater;
  const auto whole = static_cast<std::int64_t>(b);
  if (a != whole) return a <=> whole;
  return 0.0 <=> b - static_cast<double>(whole);
}

std::partial_ordering reversed(std::partial_ordering order) {
  return 0 <=> order;
}

bool is_whole(Type type) {
  return type == Type::kInt || type == Type::kTime;
}

Result<std::partial_ordering> order(const Typed& a, const Typed& b) {
  if (a.type == b.type) {
    if (a.type == Type::kReal) return a.value.real <=> b.value.real;
    if (a.value.kind == Value::Kind::kInt)
      return std::partial_ordering(a.value.integer <=> b.value.integer);
    return std::partial_ordering(a.value.text.compare(b.value.text) <=> 0);
  }
  if (is_whole(a.type) && is_whole(b.type))
    return std::partial_ordering(a.value.integer <=> b.value.integer);
  if (a.type == Type::kInt && b.type == Type::kReal) return order(a.value.integer, b.value.real);
  if (a.type == Type::kReal && b.type == Type::kInt)
    return reversed(order(b.value.integer, a.value.real));
  return fail(Errc::kBadRequest, std::string(type_word(a.type)) + " cannot be compared with " +
                                     std::string(type_word(b.type)));
}

bool answers(Condition::Compare compare, std::partial_ordering order) {
  switch (compare) {
    case Condition::Compare::kEq:
      return order == 0;
    case Condition::Compare::kNe:
      return order != 0;
    case Condition::Compare::kLt:
      return order < 0;
    case Condition::Compare::kLe:
      return order <= 0;
    case Condition::Compare::kGt:
      return order > 0;
    case Condition::Compare::kGe:
      return order >= 0;
  }
  return false;
}

class Asked {
 public:
  Asked(Extractor& event, const RowView& row) : event_(event), row_(row) {}

  Result<bool> ask(const Condition& condition) {
    switch (condition.kind) {
      case Kind::kAll:
      case Kind::kAny:
        for (const Condition& part : condition.parts) {
          const auto one = ask(part);
          if (!one || *one == (condition.kind == Kind::kAny)) return one;
        }
        return condition.kind == Kind::kAll;
      case Kind::kNot: {
        const auto one = ask(condition.parts.front());
        return one ? Result<bool>(!*one) : one;
      }
      default:
        return question(condition);
    }
  }

 private:
  Result<bool> question(const Condition& condition) {
    const auto about = subject(condition);
    if (!about) return about.error();
    if (condition.kind == Kind::kExists) return is_there(about->value);
    if (!is_there(about->value)) return false;
    for (std::size_t i = 0; i < condition.values.size(); ++i) {
      const auto other = side(condition.values[i], condition.types[i], condition.type);
      if (!other) return other.error();
      if (!is_there(other->value)) return false;
      const auto found = order(*about, *other);
      if (!found)
        return fail(Errc::kBadRequest,
                    condition_text(row_.table, condition) + ": " + found.error().message);
      if (condition.kind == Kind::kCompare) return answers(condition.compare, *found);
      if (*found == 0) return true;
    }
    return false;
  }

  Result<Typed> subject(const Condition& condition) {
    if (condition.column) {
      const Column& column = row_.table->columns[*condition.column];
      if (!row_.cells.empty()) return Typed{view_of(row_.cells[*condition.column]), column.type};
      return Typed{column.fallback ? view_of(*column.fallback) : Value::null(), column.type};
    }
    // Whether it is there, whatever it is.
    if (condition.kind == Kind::kExists) {
      const auto there = event_.presence(condition.source);
      return there ? Result<Typed>(Typed{*there, Type::kInt}) : there.error();
    }
    return side(condition.source, Type::kText, condition.type);
  }

  Result<Typed> side(const Source& source, Type constant, std::optional<Type> as) {
    if (source.kind == Source::Kind::kConstant) return Typed{view_of(source.constant), constant};
    if (!as || source.kind != Source::Kind::kField) return event_.read_any(source);
    const auto value = event_.read(source, *as);
    return value ? Result<Typed>(Typed{*value, *as}) : value.error();
  }

  Extractor& event_;
  const RowView& row_;
};

}  // namespace

Result<bool> holds(const Condition& condition, Extractor& event, const RowView& row) {
  return Asked(event, row).ask(condition);
}

}  // namespace sluice::projection
