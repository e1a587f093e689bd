// SPDX-License-Identifier: Apache-2.0
#include "core/write_token.hpp"

#include <string>

#include "core/text.hpp"

namespace sluice::core {

std::string write_token(std::string_view gateway, Epoch epoch, Lane lane, Seq seq) {
  return std::string(gateway) + ":" + epoch.text() + ":" + std::string(lane_name(lane)) + ":" +
         std::to_string(seq);
}

// An identity's text with other separators.
Result<Identity> parse_write_token(std::string_view text) {
  std::string dotted(text);
  for (char& c : dotted) c = c == ':' ? '.' : c == '.' ? ':' : c;
  auto identity = Identity::parse(dotted);
  if (identity && identity->to == 0) return identity;
  return fail(Errc::kBadRequest, "'" + printable(text) +
                                     "' is not a token of an append: it needs "
                                     "gateway:epoch:lane:seq, as the append answered it");
}

}  // namespace sluice::core
