// SPDX-License-Identifier: Apache-2.0
#include "http/prometheus_text.hpp"

#include <charconv>

namespace sluice::http {

PrometheusText& PrometheusText::family(std::string_view name, std::string_view type,
                                       std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + " " + std::string(help) + "\n";
  text_ += "# TYPE " + name_ + " " + std::string(type) + "\n";
  return *this;
}

PrometheusText& PrometheusText::sample(Labels labels, std::string_view number) {
  text_ += name_;
  char separator = '{';
  for (const auto& [name, value] : labels) {
    text_ += separator;
    text_ += name;
    text_ += "=\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (c == '\n')
        text_ += "\\n";
      else
        text_ += c;
    }
    text_ += '"';
    separator = ',';
  }
  if (separator == ',') text_ += '}';
  text_ += ' ';
  text_ += number;
  text_ += '\n';
  return *this;
}

PrometheusText& PrometheusText::sample(Labels labels, double value) {
  std::array<char, 40> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return sample(labels,
                std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

}  // namespace sluice::http
