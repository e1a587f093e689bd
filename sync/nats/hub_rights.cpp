// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/hub_rights.hpp"

#include "core/subject.hpp"

namespace sluice::nats {
namespace {

std::string list_text(const std::vector<std::string>& subjects) {
  std::string out;
  for (const std::string& subject : subjects) out += "    \"" + subject + "\"\n";
  return out;
}

}  // namespace

Rights hub_rights(const std::string& hub, const std::vector<std::string>& shards, bool workers) {
  Rights out;
  const auto read = [&](const std::string& hub_stream) {
    out.publish.push_back("$JS.API.CONSUMER.CREATE." + hub_stream);
    out.publish.push_back("$JS.API.CONSUMER.DELETE." + hub_stream + ".*");
    out.publish.push_back("$JS.API.CONSUMER.MSG.NEXT." + hub_stream + ".*");
  };
  for (const std::string& shard : shards) {
    const std::string hub_stream = core::hub_stream_name(shard);
    out.publish.push_back("$JS.API.STREAM.INFO." + hub_stream);
    out.publish.push_back("$JS.API.STREAM.MSG.GET." + hub_stream);
    read(hub_stream);
  }
  read("KV_SLUICE-REPORTS");
  out.publish.emplace_back("need.*");
  if (workers) {
    const std::string bucket(core::kLeaseBucket);
    out.publish.push_back("$JS.API.STREAM.INFO.KV_" + bucket);
    read("KV_" + bucket);
    out.publish.push_back("$KV." + bucket + "." + hub + ".>");
  }
  out.subscribe.push_back("_INBOX_HUB_" + hub + ".>");
  return out;
}

std::string permissions_text(const Rights& rights) {
  return "permissions: {\n  publish: { allow: [\n" + list_text(rights.publish) +
         "  ] }\n  subscribe: { allow: [\n" + list_text(rights.subscribe) + "  ] }\n}";
}

}  // namespace sluice::nats
