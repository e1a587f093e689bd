// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rpc/client.hpp"
#include "storage/types.hpp"

namespace sluice::sync {

// The uplink socket of `sluiced`, docs/protocol.md. On the io_context's thread only.
class SluicedLink {
 public:
  struct Hello {
    std::string gateway;
    core::Epoch epoch;
  };
  struct Handlers {
    std::function<void(core::Result<Hello>)> opened;  // an error: nobody there, or not as agreed
    std::function<void(core::Error)> closed;          // after opened() without error
    std::function<void()> bell;                       // something was committed
  };
  using Done = std::function<void(core::Result<void>)>;

  SluicedLink(boost::asio::io_context& io, const std::filesystem::path& socket, Handlers handlers);

  void acks(core::Lane lane, const std::vector<storage::Anchor>& anchors);
  void rewind(core::Lane lane, core::Seq acked, Done durable);
  void set_aside(core::Lane lane, const storage::SetAside& range, Done durable);
  void own_event(const std::string& entity, std::string_view type, const std::string& words);
  // The same with data of its own, an encoded map.
  void own_event_of(const std::string& entity, std::string_view type, std::string_view packed_map);
  void went_back(core::Lane lane, core::Seq seq, const std::string& words);
  void status(std::string packed_map);  // the `link` notification

 private:
  void say_hello();
  Handlers handlers_;
  std::unique_ptr<rpc::Client> client_;
};

}  // namespace sluice::sync
