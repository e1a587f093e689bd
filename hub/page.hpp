// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "http/router.hpp"

namespace sluice::hub {

// The status page's files (hub/web/), embedded at build.
struct PageFile {
  std::string_view name;
  std::string_view content;
};
std::span<const PageFile> page_files();

// Adds "/" and its files, open to all: they hold no data, which the page asks of the API.
void add_page(http::Router& router);

}  // namespace sluice::hub
