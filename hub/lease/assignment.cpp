// SPDX-License-Identifier: Apache-2.0
#include "hub/lease/assignment.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

namespace sluice::hub {
namespace {

// FNV-1a, then mixed: stable for ever, since different versions of the program must agree.
std::uint64_t rank(std::string_view shard, std::string_view worker) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  };
  add(shard);
  add("/");
  add(worker);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
  return hash ^ (hash >> 31);
}

using Having = std::map<std::string, std::vector<std::string>>;  // by worker

// How many shards each worker is due: those that have most now get the one more.
std::map<std::string, std::size_t> parts(const Having& having, std::size_t shards) {
  std::vector<std::string> by_load;
  for (const auto& [worker, has] : having) by_load.push_back(worker);
  std::stable_sort(by_load.begin(), by_load.end(), [&](const std::string& a, const std::string& b) {
    return having.at(a).size() > having.at(b).size();
  });
  std::map<std::string, std::size_t> out;
  for (std::size_t i = 0; i < by_load.size(); ++i)
    out[by_load[i]] = shards / by_load.size() + (i < shards % by_load.size() ? 1 : 0);
  return out;
}

}  // namespace

std::map<std::string, std::string> assign(const std::map<std::string, std::string>& owner_of,
                                          const std::set<std::string>& workers) {
  std::map<std::string, std::string> out;
  for (const auto& [shard, owner] : owner_of) out[shard];
  if (workers.empty()) return out;
  Having having;
  for (const std::string& worker : workers) having[worker];
  std::vector<std::string> free;
  for (const auto& [shard, owner] : owner_of)
    (workers.contains(owner) ? having[owner] : free).push_back(shard);
  const auto part = parts(having, owner_of.size());
  std::map<std::string, std::size_t> room;
  for (auto& [worker, has] : having) {
    const std::string& name = worker;
    std::sort(has.begin(), has.end(), [&](const std::string& a, const std::string& b) {
      return std::tuple(rank(a, name), a) > std::tuple(rank(b, name), b);
    });
    while (has.size() > part.at(worker)) {
      free.push_back(has.back());
      has.pop_back();
    }
    for (const std::string& shard : has) out[shard] = worker;
    room[worker] = part.at(worker) - has.size();
  }
  std::sort(free.begin(), free.end());
  for (const std::string& shard : free) {
    std::string best;
    for (const auto& [worker, left] : room)
      if (left > 0 && (best.empty() || std::tuple(rank(shard, worker), worker) >
                                           std::tuple(rank(shard, best), best)))
        best = worker;
    out[shard] = best;
    room[best] -= 1;
  }
  return out;
}

}  // namespace sluice::hub
