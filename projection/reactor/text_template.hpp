// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/model/model.hpp"

namespace sluice::projection {

// A text with places for an event's values: "{.email}", "{.address.city}", "{$gateway}"; "{{" and
// "}}" are braces. Nothing else is known: no conditions, no calls. What the values hold is never
// looked at again, so a value cannot open a place. Immutable; any thread.
class TextTemplate {
 public:
  // kBadRequest: an open brace without its end, or a place that is neither a field nor one of
  // $gateway $category $entity $stream $type $lane $epoch $seq $version $id $time $recorded.
  static core::Result<TextTemplate> parse(std::string_view text);

  // Text as it is, numbers and times as in JSON, null as nothing, bytes as base64. kBadRequest
  // (with the place in `field`): the event has no such field, or it is an array or a map.
  core::Result<std::string> render(const core::EventView& event) const;

 private:
  struct Part {
    std::string text;  // before the place
    bool has_place = false;
    Source place;
  };
  std::vector<Part> parts_;
};

}  // namespace sluice::projection
