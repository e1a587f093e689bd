// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/equality_events.hpp"

#include "core/subject.hpp"
#include "tests/projection/wire.hpp"

namespace sluice::projection {

using test::LaneMaker;
using test::Made;
using test::Message;

const char* const kEqualModel = R"(
model = "equal"
version = 1
[where]
categories = ["machine"]
[table.machine]
key = { gateway = "$gateway", machine = "$entity" }
[table.machine.columns]
t = "text"
i = "int"
r = "real"
b = "bool"
at = "time"
y = "bytes"
n = { type = "int", default = 0 }
down = { type = "int", default = 100 }
sum_i = "int"
sum_r = { type = "real", default = 0.5 }
low_i = "int"
high_i = "int"
low_r = "real"
high_r = "real"
low_t = "text"
high_t = "text"
last_t = "text"
last_r = "real"
last_at = "time"
late = "bool"
[[table.machine.on]]
type = "Set"
set = { t = ".t", i = ".i", r = ".r", b = ".b", at = ".at", y = ".y", late = "$late" }
[[table.machine.on]]
type = "Count"
count = "n"
inc = { sum_i = ".i", sum_r = ".r" }
dec = { down = ".i" }
[[table.machine.on]]
type = "Bound"
min = { low_i = ".i", low_r = ".r", low_t = ".t" }
max = { high_i = ".i", high_r = ".r", high_t = ".t" }
[[table.machine.on]]
type = "Last"
create = false
latest = { last_t = ".t", last_r = ".r", last_at = "$time" }
[[table.machine.on]]
type = "Gone"
delete = true
[table.odd_key]
key.gateway = "$gateway"
key.lane = "$lane"
key.t = { type = "text", from = ".t" }
key.i = { type = "int", from = ".i" }
[table.odd_key.columns]
seq = "int"
id = "text"
[[table.odd_key.on]]
type = ["Set", "Bound"]
when = { ".t" = { ge = "" }, ".i" = { ge = -9223372036854775808 } }
set = { seq = "$seq", id = "$id" }
[table.all_types_key]
key.stream = "$stream"
key.b = { type = "bool", from = ".b" }
key.at = { type = "time", from = ".at" }
key.y = { type = "bytes", from = ".y" }
key.r = { type = "real", from = ".r" }
[table.all_types_key.columns]
n = { type = "int", default = 0 }
[[table.all_types_key.on]]
type = "Set"
when.".b" = { in = [true, false] }
when.".at" = { exists = true }
when.".y" = { exists = true }
when.".r" = { ge = -1e308 }
count = "n"
[table.total]
shared = true
key = { entity = "$entity" }
[table.total.columns]
n = { type = "int", default = 0 }
low = "real"
high = "int"
last = "text"
[[table.total.on]]
type = ["Count", "Last"]
count = "n"
min = { low = ".r" }
max = { high = ".i" }
latest = { last = ".t" }
[table.placed]
key = { gateway = "$gateway", machine = "$entity" }
[table.placed.columns]
line = "text"
rate = "real"
[[table.placed.on]]
type = "Set"
set = { line = ".t", rate = ".r" }
[[table.placed.on]]
type = "Gone"
when = { ".b" = true }
delete = true
[table.by_line]
key = { gateway = "$gateway", line = { lookup = "placed.line", missing = { value = "?" } } }
[table.by_line.columns]
n = "int"
sum = "real"
[[table.by_line.on]]
type = ["Count", "Bound"]
count = "n"
[[table.by_line.on]]
type = ["Count", "Last"]
inc = { sum = { lookup = "placed.rate", missing = "skip" } }
[table.listed]
key = { gateway = "$gateway", machine = "$entity" }
[table.listed.columns]
reals = { type = "list", of = "real", limit = 3 }
texts = { type = "list", of = "text", limit = 5 }
seen = { type = "list", of = { at = "time", t = "text", i = "int", b = "bool" }, limit = 4 }
some = "int"
odd = "int"
near = "text"
[[table.listed.on]]
type = ["Count", "Last"]
append = { reals = ".r", texts = ".t", seen = { at = "$time", t = ".t", i = ".i", b = ".b" } }
[[table.listed.on]]
type = "Set"
when = { ".i" = { gt = 10, lt = 1000000 }, ".t" = { ne = "a" } }
count = { some = ".y" }
[[table.listed.on]]
type = "Bound"
when.any = [{ ".r" = { ge = 100.5 } }, { not = { ".b" = { exists = true } } }]
when.row.some = { lt = 5 }
dec = { odd = ".i" }
[[table.listed.on]]
type = "Last"
create = false
set.near.lookup = "placed.line"
set.near.key = { gateway = "$gateway", machine = ".t" }
set.near.missing = "null"
[[table.listed.on]]
type = "Gone"
when = { ".b" = { eq = false }, row.odd = { exists = true } }
delete = true
[table.load]
window = { of = "$time", size = "5m", late = "10m", beyond = { count = "too_late" } }
key = { gateway = "$gateway", start = "$window" }
[table.load.columns]
n = "int"
top = "real"
too_late = "int"
[[table.load.on]]
type = ["Count", "Set"]
count = "n"
max = { top = ".r" }
[table.strict]
window = { of = "$recorded", size = "1m", late = "16m", beyond = "park" }
key = { gateway = "$gateway", start = "$window" }
columns = { n = "int" }
[[table.strict.on]]
type = "Last"
count = "n"
[table.hot]
key = { gateway = "$gateway", machine = "$entity" }
[table.hot.columns]
bound = "real"
times = { type = "int", default = 0 }
worst = "real"
[[table.hot.on]]
type = "Bound"
set = { bound = ".r" }
[table.tally]
key = { gateway = "$gateway", t = { type = "text", from = ".t" } }
columns = { n = "int", last = "bytes" }
[[table.tally.on]]
type = "Never"
count = "n"
[[on]]
type = "Count"
touches = "hot"
args = { gateway = "$gateway", machine = "$entity", r = { type = "real", from = ".r" } }
sql = """
UPDATE hot SET times = times + 1,
       worst = CASE WHEN worst IS NULL OR :r > worst THEN :r ELSE worst END
WHERE gateway = :gateway AND machine = :machine AND :r > bound"""
[[on]]
type = "Set"
when = { ".i" = { gt = 50 } }
touches = "tally"
args.gateway = "$gateway"
args.t = { type = "text", from = ".t" }
args.y = { type = "bytes", from = ".y" }
sql = """
INSERT INTO tally (gateway, t, n, last) VALUES (:gateway, coalesce(:t, '?'), 1, :y)
ON CONFLICT (gateway, t) DO UPDATE SET n = tally.n + 1, last = excluded.last"""
[view.busy]
sql = """SELECT gateway, machine, n, low_t, last_at FROM machine WHERE n > 1
ORDER BY gateway, machine"""
types = { n = "int", last_at = "time" }
)";

namespace {

template <std::size_t N>
std::string pick(const char* const (&pool)[N], core::Random& random) {
  return pool[random.below(N)];
}

// Text whose order depends on the collation, whose length depends on the unit, and some that no
// database shall see.
constexpr const char* kTexts[] = {
    R"("a")",     R"("B")",   R"("b")",  R"("ä")",      R"("Z")",
    R"("zz")",    R"("")",    R"("_")",  R"("-")",      R"(" a")",
    R"("A b")",   R"("ab")",  R"("ß")",  R"("\uffff")", R"("\ud83d\ude00")",
    R"("'; --")", R"("\\x")", R"("ﬀ")",  R"("é")",      R"("e\u0301")",
    R"("10")",    R"("9")",   R"("NaN")"};
constexpr const char* kNul = R"("a\u0000b")";
constexpr const char* kInts[] = {"0",
                                 "1",
                                 "-1",
                                 "7",
                                 "9223372036854775807",
                                 "-9223372036854775808",
                                 "4611686018427387904",
                                 "2147483648",
                                 "-2147483649"};
constexpr const char* kReals[] = {"0.0",
                                  "-0.0",
                                  "1.5",
                                  "-1.5",
                                  "0.1",
                                  "5e-324",
                                  "1e-7",
                                  "3.0",
                                  "9007199254740993.0",
                                  "7",
                                  "2.2250738585072014e-308"};
constexpr const char* kBigReals[] = {"1e308", "-1e308", "1.7976931348623157e308"};
constexpr const char* kTimes[] = {
    "0", "\"2026-11-21T03:00:00Z\"", "-1", "\"1969-12-31T23:59:59.5Z\"", "9223372036854775807",
    "1"};
constexpr const char* kBytes[] = {R"({"$bytes":""})", R"({"$bytes":"AA=="})",
                                  R"({"$bytes":"//8A"})", R"({"$bytes":"XHg="})"};
constexpr const char* kWrong[] = {"null", "\"x\"", "1.5", "[1]", "{\"a\":1}", "true", "12"};
constexpr const char* kTypes[] = {"Set", "Set", "Count", "Count", "Bound", "Bound", "Last", "Gone"};
constexpr const char* kEntities[] = {"a", "B", "b", "ä", "press-7", "_x", "Z"};

// Most events fit, else nearly every stream would wait behind a poison.
std::string random_json(core::Random& random) {
  std::string out = "{";
  const bool fits = random.below(25) != 0;
  const auto field = [&](const char* name, const std::string& value) {
    const std::uint64_t how = random.below(60);
    if (how < 6) return;  // it lacks the field
    out += (out.size() == 1 ? "\"" : ",\"") + std::string(name) + "\":" +
           (how == 6 && !fits ? pick(kWrong, random)
            : how == 7        ? "null"
                              : value);
  };
  const auto fewer = [&](std::uint64_t one_in) { return !fits && random.below(one_in) == 0; };
  field("t", fewer(4)   ? '"' + std::string(random.below(2) == 0 ? 2'100 : 9'000, 'k') + '"'
             : fewer(4) ? kNul
                        : pick(kTexts, random));
  field("i", fewer(2) ? pick(kInts, random) : std::to_string(random.below(100)));
  field("r", fewer(2)               ? pick(kBigReals, random)
             : random.below(3) == 0 ? pick(kReals, random)
                                    : std::to_string(random.below(1000)) + ".25");
  field("b", random.below(2) == 0 ? "true" : "false");
  field("at", pick(kTimes, random));
  field("y", pick(kBytes, random));
  return out + "}";
}

Message any_event(const LaneMaker& maker, core::Seq seq, core::Random& random) {
  Made made = maker.base(seq);
  made.entity = pick(kEntities, random);
  made.type = pick(kTypes, random);
  made.json = random_json(random);
  made.wall_ns = static_cast<std::int64_t>(random.below(1000)) * 1'000'000'007;
  if (random.below(3) == 0) made.occurred_at_ns = static_cast<std::int64_t>(random.below(50));
  return test::message(made);
}

}  // namespace

test::Feed equality_wire(core::Random& random) {
  std::vector<std::vector<Message>> lanes;
  std::uint64_t salt = 0;
  for (const char* gateway : {"plant-7", "plant-8"})
    for (const core::Lane lane : {core::Lane::kTelemetry, core::Lane::kAlarm}) {
      auto history = test::lane_history(gateway, lane, salt += 1000, random, 220, any_event);
      for (Message& sent : history.sent)
        sent.aside = sent.subject.ends_with(core::kTypeEpochOpened) && random.below(6) == 0;
      lanes.push_back(test::as_sent(history, random));
    }
  test::Feed out;
  test::merge(std::move(lanes), random, out);
  return out;
}

}  // namespace sluice::projection
