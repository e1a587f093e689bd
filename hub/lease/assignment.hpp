// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

namespace sluice::hub {

// Which worker should have which shard. Every worker computes this for itself from what the bucket
// shows, so it is a pure function: no worker decides for another.
//
// Balanced: loads differ by one at most. With the fewest moves: who has no more than its part keeps
// all it has, who has more gives only what is above it. What is free goes to the worker that ranks
// highest for that shard (rendezvous hashing), so that it does not depend on who asks first.
//
// `owner_of`: every shard with its owner, empty if it has none; an owner that is not in `workers`
// counts as none. Without workers nobody gets anything.
std::map<std::string, std::string> assign(const std::map<std::string, std::string>& owner_of,
                                          const std::set<std::string>& workers);

}  // namespace sluice::hub
