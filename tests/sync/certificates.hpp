// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace sluice::test {

// A certificate authority, a server certificate for 127.0.0.1, one for another name, and a
// client's. They are valid for two days, from now or, with the environment of libfaketime for
// openssl, from whenever that says.
class Certificates {
 public:
  explicit Certificates(std::vector<std::string> environment = {}, const std::string& days = "2")
      : environment_(std::move(environment)), days_(days) {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=test-ca", "-days",
             days_});
    make("server", "subjectAltName=IP:127.0.0.1,DNS:localhost");
    make("stranger", "subjectAltName=DNS:elsewhere.example");
    make("client", "extendedKeyUsage=clientAuth");
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::string server_config(const std::string& name, bool verify) const {
    return "tls { cert_file: \"" + at(name + ".pem") + "\", key_file: \"" + at(name + ".key") +
           "\", ca_file: \"" + at("ca.pem") + "\", verify: " + (verify ? "true" : "false") + " }";
  }

 private:
  void make(const std::string& name, const std::string& extension) {
    folder_.write(name + ".ext", extension);
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", at(name + ".key"), "-out", at(name + ".csr"), "-subj", "/CN=" + name});
    openssl({"x509", "-req", "-in", at(name + ".csr"), "-CA", at("ca.pem"), "-CAkey", at("ca.key"),
             "-CAcreateserial", "-out", at(name + ".pem"), "-days", days_, "-extfile",
             at(name + ".ext")});
  }
  void openssl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "openssl");
    const auto done = run(arguments, {.environment = environment_});
    ASSERT_EQ(done.code, 0) << done.output;
  }
  std::vector<std::string> environment_;
  std::string days_;
  TempDir folder_;
};

}  // namespace sluice::test
