// SPDX-License-Identifier: Apache-2.0
#include "cli/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "cli/shown_text.hpp"
#include "core/clock.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kDrawEveryNs = 100'000'000;
constexpr std::uint64_t kFirstDrawNs = 300'000'000;
constexpr std::size_t kBarCells = 24;

std::uint64_t monotonic_ns() {
  return core::SystemClock().monotonic_ns();
}

// Columns on the screen: every byte that does not continue a UTF-8 character.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

bool is_number(std::string_view cell) {
  return !cell.empty() && cell.find_first_not_of("0123456789,.+-") == std::string_view::npos;
}

}  // namespace

Output::Output()
    : stdout_is_terminal_(isatty(STDOUT_FILENO) == 1),
      stderr_is_terminal_(isatty(STDERR_FILENO) == 1),
      json_(!stdout_is_terminal_) {}

void Output::write(const std::string& line) {
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() ||
      std::fputc('\n', stdout) == EOF)
    good_ = false;
}

void Output::document(const core::json::value& value) {
  json_line(json_text(value));
}

void Output::json_line(std::string_view line) {
  write(shown_json(line));
}

void Output::line(std::string_view text) {
  write(shown(text));
}

void Output::lines(std::string_view text) {
  for (const std::string_view one : core::split(text, '\n')) line(one);
}

void Output::note(std::string_view text) {
  std::fprintf(stderr, "%s\n", shown(text).c_str());
}

void Output::notes(std::string_view text) {
  for (const std::string_view one : core::split(text, '\n')) note(one);
}

void Output::problem(const core::Error& error, std::string_view what) {
  if (json_) {
    core::json::object document_of_error = core::error_document(error);
    if (!what.empty()) document_of_error["what"] = what;
    document(document_of_error);
    flush();
  }
  std::string line = "sluice: ";
  if (!what.empty()) line.append(what).append(": ");
  line += core::to_string(error);
  error.code == core::Errc::kConfig ? notes(line) : note(line);
}

void Output::flush() {
  if (std::fflush(stdout) != 0) good_ = false;
}

Progress::Progress(Output& output, std::string label, std::string unit, std::uint64_t total)
    : shown_(output.shows_progress()),
      label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      started_ns_(monotonic_ns()) {}

Progress::~Progress() {
  wipe();
}

void Progress::wipe() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

void Progress::advance_to(std::uint64_t done, std::string_view remark) {
  done_ = done;
  if (!shown_) return;
  const std::uint64_t now = monotonic_ns();
  if (now - started_ns_ < kFirstDrawNs || now - drawn_ns_ < kDrawEveryNs) return;
  draw(now, remark);
}

void Progress::draw(std::uint64_t now_ns, std::string_view remark) {
  const double seconds = static_cast<double>(now_ns - started_ns_) / 1e9;
  const double rate = static_cast<double>(done_) / seconds;
  std::string line = label_ + "  ";
  if (total_ > 0) {
    const double part = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    const auto full = static_cast<std::size_t>(part * static_cast<double>(kBarCells));
    line += "[" + std::string(full, '#') + std::string(kBarCells - full, '.') + "] " +
            std::to_string(static_cast<int>(part * 100)) + " %  ";
  }
  const auto amount = [&](std::uint64_t n) {
    return unit_ == "bytes" ? core::human_bytes(n) : with_thousands(n) + " " + unit_;
  };
  line += amount(done_);
  if (rate >= 1) line += ", " + amount(static_cast<std::uint64_t>(rate)) + "/s";
  if (total_ > done_ && rate > 0) {
    const double left_s = static_cast<double>(total_ - done_) / rate;
    line += ", " + core::human_duration(static_cast<std::int64_t>(left_s * 1e9)) + " left";
  }
  if (!remark.empty()) line.append("  ").append(remark);
  std::fprintf(stderr, "\r%s\033[K", shown(line).c_str());
  drawn_ = true;
  drawn_ns_ = now_ns;
}

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = shown(cell);
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width(row[i]), ' ');
      line += is_number(row[i]) ? space + row[i] : row[i] + space;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  if (!out.empty()) out.pop_back();
  return out;
}

std::string json_text(const core::json::value& value) {
  if (value.is_double()) {
    std::string text(32, '\0');
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value.get_double()).ptr;
    text.resize(static_cast<std::size_t>(end - text.data()));
    // A float stays one for whoever reads it.
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::string out;
  if (const core::json::array* array = value.if_array()) {
    for (const core::json::value& one : *array) out += (out.empty() ? "" : ",") + json_text(one);
    return "[" + out + "]";
  }
  if (const core::json::object* object = value.if_object()) {
    for (const auto& [key, one] : *object) {
      if (!out.empty()) out += ',';
      codec::append_json_text(key, out);
      out += ':' + json_text(one);
    }
    return "{" + out + "}";
  }
  return core::to_json(value);
}

std::string with_thousands(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace sluice::cli
