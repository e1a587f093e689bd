// SPDX-License-Identifier: Apache-2.0
#include "cli/shown_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/text.hpp"

namespace sluice::cli {
namespace {

struct Range {
  char32_t first, last;
};

// Cc, Zl, Zp, Default_Ignorable_Code_Point and the interlinear marks, in their order.
constexpr std::array kUnseen = {
    Range{0x0000, 0x001f},   Range{0x007f, 0x009f},   Range{0x00ad, 0x00ad},  Range{0x034f, 0x034f},
    Range{0x061c, 0x061c},   Range{0x115f, 0x1160},   Range{0x17b4, 0x17b5},  Range{0x180b, 0x180f},
    Range{0x200b, 0x200f},   Range{0x2028, 0x202e},   Range{0x2060, 0x206f},  Range{0x3164, 0x3164},
    Range{0xfe00, 0xfe0f},   Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},  Range{0xfff0, 0xfffb},
    Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a}, Range{0xe0000, 0xe0fff}};

bool is_unseen(char32_t point) {
  const auto* const range = std::find_if(kUnseen.begin(), kUnseen.end(),
                                         [point](const Range& one) { return point <= one.last; });
  return range != kUnseen.end() && point >= range->first;
}

// Bytes of the character that begins so; 0: none does.
std::size_t length_of(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

// Of one whole character.
char32_t point_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t point = byte(0) & (0xffu >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) point = point << 6 | (byte(i) & 0x3fu);
  return point;
}

void append_number(std::string& out, const char* form, unsigned number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), form, number);
  out += text.data();
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::string_view character = text.substr(0, length_of(first));
    if (character.size() != length_of(first) || character.empty() || !core::is_utf8(character)) {
      append_number(out, "<0x%02X>", first);
      text.remove_prefix(1);
      continue;
    }
    const char32_t point = point_of(character);
    if (is_unseen(point))
      append_number(out, "<U+%04X>", static_cast<unsigned>(point));
    else
      out += character;
    text.remove_prefix(character.size());
  }
  return out;
}

std::string shown_json(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const auto next = i + 1 < line.size() ? static_cast<unsigned char>(line[i + 1]) : 0u;
    if (byte == 0x7f) {
      out += "\\u007f";
    } else if (byte == 0xc2 && next >= 0x80 && next <= 0x9f) {
      append_number(out, "\\u%04x", next);
      ++i;
    } else {
      out += line[i];
    }
  }
  return out;
}

}  // namespace sluice::cli
