// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"

#include <array>
#include <chrono>
#include <cstdio>

namespace sluice::core {
namespace {

bool is_continuation(unsigned char c) {
  return (c & 0xc0) == 0x80;
}

bool take_digits(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = p + bytes.size();
  while (p < end) {
    const unsigned char c = *p;
    if (c < 0x80) {
      ++p;
    } else if (c >= 0xc2 && c <= 0xdf) {
      if (end - p < 2 || !is_continuation(p[1])) return false;
      p += 2;
    } else if (c >= 0xe0 && c <= 0xef) {
      if (end - p < 3 || !is_continuation(p[1]) || !is_continuation(p[2])) return false;
      if (c == 0xe0 && p[1] < 0xa0) return false;
      if (c == 0xed && p[1] > 0x9f) return false;
      p += 3;
    } else if (c >= 0xf0 && c <= 0xf4) {
      if (end - p < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) || !is_continuation(p[3]))
        return false;
      if (c == 0xf0 && p[1] < 0x90) return false;
      if (c == 0xf4 && p[1] > 0x8f) return false;
      p += 4;
    } else {
      return false;
    }
  }
  return true;
}

std::string printable(std::string_view bytes) {
  std::string out;
  for (const char raw : bytes.substr(0, 80)) {
    const auto c = static_cast<unsigned char>(raw);
    if (c >= 0x20 && c < 0x7f) {
      out += raw;
    } else {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", c);
      out += hex.data();
    }
  }
  if (bytes.size() > 80) out += "...";
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char raw : bytes) {
    const auto c = static_cast<unsigned char>(raw);
    out += kDigits[c >> 4];
    out += kDigits[c & 15];
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = bytes.size() - i;
    std::uint32_t group = static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << 16;
    if (left > 1)
      group |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + 1])) << 8;
    if (left > 2) group |= static_cast<unsigned char>(bytes[i + 2]);
    out += kAlphabet[group >> 18];
    out += kAlphabet[(group >> 12) & 63];
    out += left > 1 ? kAlphabet[(group >> 6) & 63] : '=';
    out += left > 2 ? kAlphabet[group & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  std::uint32_t group = 0;
  int filled = 0;
  for (const char c : text) {
    int value = 0;
    if (c >= 'A' && c <= 'Z')
      value = c - 'A';
    else if (c >= 'a' && c <= 'z')
      value = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      value = c - '0' + 52;
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else if (c == '=')
      value = 0;
    else
      return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(value);
    if (++filled == 4) {
      out += static_cast<char>(group >> 16);
      out += static_cast<char>((group >> 8) & 255);
      out += static_cast<char>(group & 255);
      filled = 0;
      group = 0;
    }
  }
  if (text.ends_with("=="))
    out.resize(out.size() - 2);
  else if (text.ends_with("="))
    out.resize(out.size() - 1);
  // Canonical only: '=' elsewhere and stray bits do not survive the way back.
  if (to_base64(out) != text) return std::nullopt;
  return out;
}

std::string format_time(std::int64_t unix_ns) {
  using namespace std::chrono;
  // In seconds first: the day that holds the smallest 64-bit number of nanoseconds starts below it.
  const sys_seconds second = floor<seconds>(sys_time<nanoseconds>{nanoseconds(unix_ns)});
  const long long fraction = (unix_ns % 1'000'000'000 + 1'000'000'000) % 1'000'000'000;
  const auto day = floor<days>(second);
  const year_month_day date{day};
  const hh_mm_ss clock{second - day};
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09lldZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), fraction);
  std::string text(out.data());
  // Whole seconds, milliseconds or microseconds are written as short as they are.
  std::size_t keep = text.size() - 1;
  while (text[keep - 1] == '0') --keep;
  if (text[keep - 1] == '.') --keep;
  return text.substr(0, keep) + "Z";
}

Result<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  std::string_view rest = text;
  const auto bad = [&] {
    return fail(Errc::kBadRequest,
                "'" + printable(text) + "' is not a time like 2026-11-21T03:14:15.5Z");
  };
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (!take_digits(rest, 4, y) || !take_char(rest, "-") || !take_digits(rest, 2, mo) ||
      !take_char(rest, "-") || !take_digits(rest, 2, d) || !take_char(rest, "Tt ") ||
      !take_digits(rest, 2, h) || !take_char(rest, ":") || !take_digits(rest, 2, mi) ||
      !take_char(rest, ":") || !take_digits(rest, 2, s))
    return bad();
  std::int64_t fraction_ns = 0;
  if (take_char(rest, ".")) {
    std::int64_t scale = 100'000'000;
    int digits = 0;
    int digit = 0;
    while (digits < 9 && take_digits(rest, 1, digit)) {
      fraction_ns += digit * scale;
      scale /= 10;
      ++digits;
    }
    if (digits == 0) return bad();
  }
  int offset_min = 0;
  if (!rest.empty() && !take_char(rest, "Zz")) {
    const int sign = rest[0] == '-' ? -1 : 1;
    int oh = 0, om = 0;
    if (!take_char(rest, "+-") || !take_digits(rest, 2, oh) || !take_char(rest, ":") ||
        !take_digits(rest, 2, om) || oh > 23 || om > 59)
      return bad();
    offset_min = sign * (oh * 60 + om);
  }
  const year_month_day date{year{y}, month{static_cast<unsigned>(mo)},
                            day{static_cast<unsigned>(d)}};
  if (!rest.empty() || !date.ok() || h > 23 || mi > 59 || s > 59) return bad();
  if (y < 1678 || y > 2261) return bad();  // what 64 bits of nanoseconds can hold
  const auto when = sys_days{date} + hours(h) + minutes(mi - offset_min) + seconds(s);
  return duration_cast<nanoseconds>(when.time_since_epoch()).count() + fraction_ns;
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return out.data();
}

std::string human_duration(std::int64_t ns) {
  const std::int64_t ms = ns / 1'000'000;
  if (ms < 1000) return std::to_string(ms) + " ms";
  const std::int64_t s = ms / 1000;
  if (s < 60) return std::to_string(s) + " s";
  if (s < 3600) return std::to_string(s / 60) + " min " + std::to_string(s % 60) + " s";
  if (s < 86400) return std::to_string(s / 3600) + " h " + std::to_string(s % 3600 / 60) + " min";
  return std::to_string(s / 86400) + " d " + std::to_string(s % 86400 / 3600) + " h";
}

}  // namespace sluice::core
