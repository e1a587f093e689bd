// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sluice::http {

// Writes Prometheus' text format, version 0.0.4, for a /metrics page. Samples belong to the family
// named last. Pure.
class PrometheusText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  PrometheusText& family(std::string_view name, std::string_view type, std::string_view help);
  PrometheusText& sample(Labels labels, std::string_view number);
  PrometheusText& sample(Labels labels, double value);
  PrometheusText& sample(Labels labels, std::integral auto value) {
    return sample(labels, std::string_view(std::to_string(value)));
  }
  PrometheusText& sample(double value) { return sample({}, value); }
  PrometheusText& sample(std::integral auto value) { return sample({}, value); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace sluice::http
