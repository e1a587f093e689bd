// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/scratch_place.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/postgres_server.hpp"

namespace sluice::test {
namespace {

std::unique_ptr<PostgresServer> server;

class Environment : public testing::Environment {
 public:
  void TearDown() override { server.reset(); }
};
const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new Environment);

}  // namespace

bool on_postgres() {
  const char* name = std::getenv("SLUICE_TEST_DATABASE");
  return name != nullptr && std::string_view(name) == "postgres";
}

projection::Place scratch_place(const std::filesystem::path& folder,
                                const projection::Model& model) {
  static int number = 0;
  const std::string name = std::to_string(++number);
  if (!on_postgres()) {
    std::filesystem::create_directory(folder / name);
    return folder / name / model.database_name();
  }
  if (!server) server = std::make_unique<PostgresServer>();
  return projection::Place::postgres(server->conninfo(), "scratch_" + name);
}

}  // namespace sluice::test
