// SPDX-License-Identifier: Apache-2.0
#include "core/codec/field.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/codec/json_data.hpp"

namespace sluice::codec {
namespace {

// Keeps the data that the found views point into.
struct Found {
  std::string data;
  Scalar scalar;
};

Found find(const std::string& json, const std::vector<std::string>& path) {
  const auto data = json_to_data(json);
  EXPECT_TRUE(data) << json;
  Found found{*data, {}};
  found.scalar = find_field(found.data, path);
  return found;
}

TEST(FindField, GivesEachKindAsItIs) {
  EXPECT_EQ(find("{\"a\":null}", {"a"}).scalar, Scalar(Nil{}));
  EXPECT_EQ(find("{\"a\":true}", {"a"}).scalar, Scalar(true));
  EXPECT_EQ(find("{\"a\":-5}", {"a"}).scalar, Scalar(std::int64_t{-5}));
  EXPECT_EQ(find("{\"a\":9223372036854775807}", {"a"}).scalar, Scalar(INT64_MAX));
  EXPECT_EQ(find("{\"a\":18446744073709551615}", {"a"}).scalar, Scalar(UINT64_MAX));
  EXPECT_EQ(find("{\"a\":1.0}", {"a"}).scalar, Scalar(1.0));
  EXPECT_EQ(find("{\"a\":[]}", {"a"}).scalar, Scalar(Composite{}));
  EXPECT_EQ(find("{\"a\":{}}", {"a"}).scalar, Scalar(Composite{}));
  const auto text = find("{\"a\":\"x\"}", {"a"});
  EXPECT_EQ(text.scalar, Scalar(std::string_view("x")));
  const auto bytes = find("{\"a\":{\"$bytes\":\"AQI=\"}}", {"a"});
  EXPECT_EQ(bytes.scalar, Scalar(Bytes{"\x01\x02"}));
}

TEST(FindField, WalksThroughMaps) {
  EXPECT_EQ(find("{\"x\":[{\"b\":9}],\"a\":{\"c\":1,\"b\":2}}", {"a", "b"}).scalar,
            Scalar(std::int64_t{2}));
  EXPECT_EQ(find("{\"a\":{\"b\":{\"c\":3}}}", {"a", "b", "c"}).scalar, Scalar(std::int64_t{3}));
  EXPECT_EQ(find("7", {}).scalar, Scalar(std::int64_t{7}));
}

TEST(FindField, DoesNotTakeTheKeyOfAnotherLevel) {
  EXPECT_EQ(find("{\"b\":1,\"a\":{\"c\":2}}", {"a", "b"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{\"a\":{\"c\":2},\"b\":1}", {"a", "b"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{\"x\":{\"a\":1}}", {"a"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("[{\"a\":1}]", {"a"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{\"a\":[{\"b\":1}]}", {"a", "b"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{\"a\":5,\"b\":6}", {"a", "b"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{\"a\":\"b\",\"c\":1}", {"b"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{}", {"a"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("5", {"a"}).scalar, Scalar(Absent{}));
  EXPECT_EQ(find("{\"a\":{\"a\":{\"x\":1}},\"b\":{\"a\":{\"b\":2}}}", {"a", "b"}).scalar,
            Scalar(Absent{}));
}

}  // namespace
}  // namespace sluice::codec
