// SPDX-License-Identifier: Apache-2.0
#include "core/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::core {
namespace {

TEST(ParseJson, ReadsADocumentAndTheSpaceAroundIt) {
  const auto value = parse_json(" {\"a\": [1, 2.5, null, \"x\"]}\n");
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json(*value), "{\"a\":[1,2.5E0,null,\"x\"]}");
}

TEST(ParseJson, NamesTheByteWhereItEnds) {
  const auto value = parse_json("{\"a\": nope}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Errc::kBadRequest);
  EXPECT_NE(value.error().message.find("byte 6"), std::string::npos) << value.error().message;
}

TEST(ParseJson, RefusesTheEmptyTheCutAndTheRepeated) {
  for (const char* bad : {"", " ", "{", "[1,", "1 2", "{}{}", "\"\xff\"", "\"\xed\xa0\x80\""})
    EXPECT_FALSE(parse_json(bad)) << bad;
}

TEST(ParseJson, RefusesADepthBomb) {
  EXPECT_TRUE(parse_json(std::string(30, '[') + std::string(30, ']')));
  EXPECT_FALSE(parse_json(std::string(40, '[') + std::string(40, ']')));
}

TEST(ErrorDocument, HoldsWhatAClientActsOn) {
  Error conflict =
      fail(Errc::kVersionConflict, "expected version 3 of pump/7, it is at 5", "expect");
  conflict.current = 5;
  EXPECT_EQ(to_json(error_document(conflict)),
            "{\"error\":{\"code\":\"version_conflict\",\"message\":\"expected version 3 of pump/7, "
            "it is at 5\",\"field\":\"expect\",\"current\":5}}");
  EXPECT_EQ(to_json(error_document(fail(Errc::kBusy, "full"))),
            "{\"error\":{\"code\":\"busy\",\"message\":\"full\"}}");
}

TEST(Error, WordsComeBack) {
  for (int i = 0; i <= static_cast<int>(Errc::kInternal); ++i)
    EXPECT_EQ(error_from_word(error_word(static_cast<Errc>(i))), static_cast<Errc>(i));
  EXPECT_EQ(error_from_word("no such word"), Errc::kInternal);
}

TEST(Error, IsWrittenWithItsField) {
  EXPECT_EQ(to_string(fail(Errc::kBadRequest, "it is empty", "type")),
            "bad_request: it is empty (field type)");
}

}  // namespace
}  // namespace sluice::core
