// SPDX-License-Identifier: Apache-2.0
#include "rpc/value.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rpc/pack.hpp"

namespace sluice::rpc {
namespace {

using namespace std::string_literals;

Value parsed(const std::string& bytes) {
  const auto value = Value::parse(bytes);
  EXPECT_TRUE(value) << (value ? "" : value.error().message);
  return value ? *value : Value();
}

core::Errc refused(const std::string& bytes, const ValueLimits& limits = {}) {
  const auto value = Value::parse(bytes, limits);
  EXPECT_FALSE(value);
  return value ? core::Errc::kInternal : value.error().code;
}

TEST(Packer, WritesEachNumberInItsShortestForm) {
  const std::pair<std::int64_t, std::size_t> sizes[] = {
      {0, 1},      {127, 1},    {128, 2},       {255, 2},       {256, 3},       {65535, 3},
      {65536, 5},  {-1, 1},     {-32, 1},       {-33, 2},       {-128, 2},      {-129, 3},
      {-32768, 3}, {-32769, 5}, {1LL << 32, 9}, {INT32_MIN, 5}, {INT64_MIN, 9}, {INT64_MAX, 9}};
  for (const auto& [number, size] : sizes) {
    const std::string bytes = Packer().integer(number).take();
    EXPECT_EQ(bytes.size(), size) << number;
    EXPECT_EQ(parsed(bytes).integer(), number);
  }
}

TEST(Packer, WhatItWritesIsReadBack) {
  for (const std::size_t size : {0u, 1u, 31u, 32u, 255u, 256u, 65535u, 65536u}) {
    const std::string text(size, 'x');
    const std::string as_text = Packer().text(text).take();
    EXPECT_EQ(parsed(as_text).text(), std::string_view(text));
    const std::string as_bytes = Packer().bytes(text).take();
    EXPECT_EQ(parsed(as_bytes).bytes(), std::string_view(text));
    EXPECT_FALSE(parsed(as_bytes).text());
    Packer array;
    array.array(size);
    for (std::size_t i = 0; i < size; ++i) array.nil();
    const std::string nils = array.take();
    EXPECT_EQ(parsed(nils).size(), size);
    Packer map;
    map.map(size);
    for (std::size_t i = 0; i < size; ++i) map.text("k").boolean(true);
    const std::string pairs = map.take();
    EXPECT_EQ(parsed(pairs).size(), size);
  }
}

TEST(Value, AQuestionOfTheWrongKindHasNoAnswer) {
  const std::string number = Packer().integer(7).take();
  const Value value = parsed(number);
  EXPECT_FALSE(value.text());
  EXPECT_FALSE(value.bytes());
  EXPECT_FALSE(value.boolean());
  EXPECT_EQ(value.size(), 0u);
  EXPECT_TRUE(value.at(0).is_absent());
  EXPECT_TRUE(value.find("a").is_absent());
  EXPECT_FALSE(Value().integer());
  EXPECT_FALSE(Value().text());
  EXPECT_EQ(Value().kind(), Value::Kind::kAbsent);
}

TEST(Value, NumbersKeepTheirRange) {
  const std::string big = Packer().unsigned_integer(UINT64_MAX).take();
  EXPECT_FALSE(parsed(big).integer());
  EXPECT_EQ(parsed(big).unsigned_integer(), UINT64_MAX);
  const std::string negative = Packer().integer(-5).take();
  EXPECT_FALSE(parsed(negative).unsigned_integer());
  EXPECT_EQ(parsed(negative).number(), -5.0);
  EXPECT_EQ(parsed("\xca\x3f\x80\x00\x00"s).number(), 1.0);
  const std::string real = Packer().float64(-0.25).take();
  EXPECT_EQ(parsed(real).number(), -0.25);
  EXPECT_FALSE(parsed(real).integer());
}

TEST(Value, AMapIsSearchedByKeyAndAnArrayByIndex) {
  Packer out;
  out.map(3).text("a").integer(1).text("b").array(2).text("x").nil().text("c").boolean(false);
  const std::string bytes = out.take();
  const Value map = parsed(bytes);
  EXPECT_EQ(map.find("a").integer(), 1);
  EXPECT_EQ(map.find("b").at(0).text(), "x");
  EXPECT_TRUE(map.find("b").at(1).is_nil());
  EXPECT_TRUE(map.find("b").at(2).is_absent());
  EXPECT_EQ(map.find("c").boolean(), false);
  EXPECT_TRUE(map.find("d").is_absent());
}

TEST(Value, MalformedBytesAreRefused) {
  EXPECT_EQ(refused(""), core::Errc::kBadRequest);
  EXPECT_EQ(refused("\xc1"s), core::Errc::kBadRequest);
  EXPECT_EQ(refused("\x92\x01"s), core::Errc::kBadRequest);      // one of two elements
  EXPECT_EQ(refused("\x01\x02"s), core::Errc::kBadRequest);      // two values
  EXPECT_EQ(refused("\xcf\x00\x00"s), core::Errc::kBadRequest);  // number cut off
  EXPECT_EQ(refused("\xd9\x05hell"s), core::Errc::kBadRequest);  // text cut off
  EXPECT_EQ(refused("\x81\xa1k"s), core::Errc::kBadRequest);     // key without value
}

TEST(Value, PromisesAreRefusedBeforeTheyAreKept) {
  EXPECT_EQ(refused("\xdd\xff\x00\x00\x00"s), core::Errc::kTooLarge);      // 4 billion elements
  EXPECT_EQ(refused("\xdf\xff\xff\xff\xff"s), core::Errc::kTooLarge);      // 4 billion pairs
  EXPECT_EQ(refused("\xdb\xff\xff\xff\xff"s), core::Errc::kTooLarge);      // 4 GB of text
  EXPECT_EQ(refused("\xc6\xff\xff\xff\xff"s), core::Errc::kTooLarge);      // 4 GB of bytes
  EXPECT_EQ(refused("\xc9\xff\xff\xff\xff\x01"s), core::Errc::kTooLarge);  // 4 GB of ext
  EXPECT_EQ(refused(std::string(1 << 20, '\x91')), core::Errc::kTooLarge);
  EXPECT_EQ(refused("\x91\x91\xc0"s, {.depth = 1}), core::Errc::kTooLarge);
  EXPECT_EQ(refused("\x93\xc0\xc0\xc0"s, {.nodes = 3}), core::Errc::kTooLarge);
  EXPECT_TRUE(Value::parse("\x93\xc0\xc0\xc0"s, {.nodes = 4}));
}

}  // namespace
}  // namespace sluice::rpc
