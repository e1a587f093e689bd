// SPDX-License-Identifier: Apache-2.0
// Versions of a model that several workers share: each fills its shards, one lets it serve, all
// follow, whoever is killed or stands still in the midst of it.
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "projection/database/target.hpp"
#include "tests/hub/event_reader.hpp"
#include "tests/hub/version_reader.hpp"
#include "tests/hub/workers_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using hub::VersionId;
using test::eventually;
using test::HubProgram;
using test::summed_model;
using test::TestPublisher;
using test::VersionReader;

// Versions with several workers, who read through the model of version_reader.hpp.
class WorkersVersionsTest : public test::WorkersTest {
 protected:
  using Hubs = std::vector<HubProgram*>;

  static core::json::object pumps(const HubProgram& hub) {
    return core::json::object(hub.json("/v1/models").at("models").as_array().at(0).as_object());
  }
  static bool serve(const Hubs& hubs, const std::string& version) {
    return std::all_of(hubs.begin(), hubs.end(), [&](const HubProgram* hub) {
      return pumps(*hub).at("serving").as_string() == version;
    });
  }
  static void edit(const HubProgram& hub, const std::string& model) {
    hub.folder().write("pumps.model.toml", in_postgres(model));
  }
  static http::Response post(const HubProgram& hub, const std::string& verb,
                             const std::string& body = R"({"reason":"test"})") {
    return hub.post("/v1/models/" + verb, body);
  }
  // Each event has its row with one effect, and the sums say the same.
  bool all_there(const HubProgram& hub) {
    const std::string all = std::to_string(published_.load());
    std::int64_t sum = 0;
    const auto document = hub.json("/v1/models/pumps/sums");
    for (const auto& row : document.at("rows").as_array())
      sum += row.as_object().at("n").as_int64();
    return sum == published_ && postgres_.query(
                                    "SELECT count(*), sum(n), max(n) FROM "
                                    "\"pumps\".\"events\"") == all + "|" + all + "|1";
  }
  // Events of all gateways until it goes.
  class Traffic {
   public:
    explicit Traffic(WorkersVersionsTest& test, core::Seq from)
        : test_(test), seq_(from), thread_([this] { run(); }) {}
    ~Traffic() { stop(); }
    void stop() {
      stopping_ = true;
      wake_.notify_all();
      if (thread_.joinable()) thread_.join();
    }

   private:
    void run() {
      TestPublisher publisher(test_.server_.url());
      for (; !stopping_; seq_ += 2) {
        for (int i = 0; i < kShards; ++i) publisher.events(test_.lane(i), seq_, seq_ + 1);
        test_.published_ += kShards * 2;
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, 50ms, [this] { return stopping_.load(); });  // the rate
      }
    }
    WorkersVersionsTest& test_;
    core::Seq seq_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable wake_;
    std::thread thread_;
  };
};

TEST_F(WorkersVersionsTest, ANewVersionIsFilledByAllAndServesAtAllAtOnceUnderTraffic) {
  open_lanes();
  auto a = worker("a", summed_model(1));
  auto b = worker("b", summed_model(1));
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  publish(2, 201);
  ASSERT_TRUE(eventually([&] { return all_there(*a) && all_there(*b); }, 40s)) << a->log();
  Traffic traffic(*this, 202);
  VersionReader reader_a(*a, "/v1/models/pumps/sums?gateway=gateway-0");
  VersionReader reader_b(*b, "/v1/models/pumps/sums?gateway=gateway-1");
  // One of them has the new file, the other still the old one.
  edit(*b, summed_model(2));
  ASSERT_EQ(post(*b, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually(
      [&] {
        return serve({a.get(), b.get()}, "2");
      },
      60s))
      << a->log() << b->log();
  EXPECT_TRUE(eventually([&] {
    return std::string(pumps(*a).at("problem").as_string()).find("2 is served") !=
           std::string::npos;
  })) << "whose file is older says so";
  // Both read their shards into the new version, and take part in it when one is gone.
  const Owners both = owners(*a);
  EXPECT_EQ(loads(both), (Sizes{5, 5}));
  ASSERT_TRUE(eventually([&] { return reader_a.version() == VersionId{2, 1}; }));
  // Back again, asked of whichever.
  reader_a.may_go_back();
  reader_b.may_go_back();
  ASSERT_EQ(post(*a, "pumps/rollback").status, 200u);
  ASSERT_TRUE(eventually(
      [&] {
        return serve({a.get(), b.get()}, "1");
      },
      60s))
      << a->log() << b->log();
  EXPECT_EQ(postgres_.query("SELECT DISTINCT version FROM pumps.sums"), "1");
  traffic.stop();
  ASSERT_TRUE(eventually([&] { return all_there(*a) && all_there(*b); }, 40s))
      << published_.load() << a->log() << b->log();
  reader_a.stop();
  reader_b.stop();
  EXPECT_EQ(reader_a.wrong(), "");
  EXPECT_EQ(reader_b.wrong(), "");
  // That each feed of the others met the version that was closed is nothing to warn of.
  for (const HubProgram* hub : {a.get(), b.get()})
    EXPECT_EQ(hub->log().find("is no longer the highest"), std::string::npos) << hub->log();
}

// Two ask at once; the one that decides is killed, and stopped, in the midst of it.
TEST_F(WorkersVersionsTest, ABuildSurvivesWhoeverDecidesAndIsMadeOnce) {
  open_lanes();
  auto a = worker("a", summed_model(1));
  auto b = worker("b", summed_model(1));
  auto c = worker("c", summed_model(1));
  ASSERT_TRUE(eventually([&] {
    return settled({a.get(), b.get(), c.get()}, {4, 3, 3});
  })) << a->log();
  publish(2, 301);
  ASSERT_TRUE(eventually([&] { return all_there(*a); }, 40s)) << a->log();
  // All at once: one of them begins it, the others find it.
  for (auto* hub : {a.get(), b.get(), c.get()}) edit(*hub, summed_model(2));
  for (auto* hub : {a.get(), b.get(), c.get()}) hub->process().signal(SIGHUP);
  const std::map<std::string, HubProgram*> by_name{{"a", a.get()}, {"b", b.get()}, {"c", c.get()}};
  const std::string decides = owners(*a).at(shard(0));
  by_name.at(decides)->kill();
  Hubs left;
  for (const auto& [name, hub] : by_name)
    if (name != decides) left.push_back(hub);
  ASSERT_TRUE(eventually([&] { return serve(left, "2"); }, 60s))
      << left[0]->log() << left[1]->log();
  publish(302, 320);
  ASSERT_TRUE(eventually([&] { return all_there(*left[0]) && all_there(*left[1]); }, 40s))
      << left[0]->log() << left[1]->log();
  // Rebuilt, with the one that decides stopped: another takes over, and it follows when it wakes.
  ASSERT_TRUE(eventually([&] { return settled(left, {5, 5}); })) << left[0]->log();
  const std::string next = owners(*left[0]).at(shard(0));
  HubProgram* stopped = by_name.at(next);
  HubProgram* other = stopped == left[0] ? left[1] : left[0];
  ASSERT_EQ(post(*other, "pumps/rebuild").status, 200u) << other->log();
  stopped->process().signal(SIGSTOP);
  publish(321, 340);
  ASSERT_TRUE(eventually([&] { return serve({other}, "2.2") && all_there(*other); }, 90s))
      << other->log();
  stopped->process().signal(SIGCONT);
  publish(341, 350);
  ASSERT_TRUE(eventually([&] { return serve({stopped}, "2.2") && all_there(*stopped); }, 40s))
      << stopped->log();
  EXPECT_EQ(postgres_.query("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pumps\\_\\_v%'"),
            "3");
}

// A client that follows through one worker, while another lets a version serve.
// Two workers are asked before either can know of the other: what came first is done, and the other
// is told of it.
TEST_F(WorkersVersionsTest, OfTwoThatAreAskedAtOnceOneIsToldOfTheOther) {
  open_lanes();
  auto a = worker("a", summed_model(1));
  auto b = worker("b", summed_model(1));
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  for (auto* hub : {a.get(), b.get()}) edit(*hub, summed_model(2));
  ASSERT_EQ(post(*a, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually([&] { return serve({a.get(), b.get()}, "2"); }, 60s)) << a->log();
  // As a third worker in the midst of a change.
  auto third = projection::Target::open(projection::Place::postgres(postgres_.conninfo(), "pumps"),
                                        projection::Access::kRead);
  ASSERT_TRUE(third);
  ASSERT_TRUE((*third)->begin(projection::Begin::kSynced));
  ASSERT_TRUE((*third)->exec(
      "SELECT pg_advisory_xact_lock(hashtextextended('sluice versions ' || current_schema(), 0))"));
  auto rollback = std::async(std::launch::async, [&] { return post(*a, "pumps/rollback"); });
  auto rebuild = std::async(std::launch::async, [&] { return post(*b, "pumps/rebuild"); });
  EXPECT_TRUE(eventually([&] {
    return postgres_.query(
               "SELECT count(*) >= 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") ==
           "t";
  }));
  (*third)->rollback();
  const auto one = rollback.get();
  const auto other = rebuild.get();
  EXPECT_EQ(std::set<unsigned>({one.status, other.status}), (std::set<unsigned>{200u, 409u}))
      << one.body << other.body;
  const auto& told = one.status == 409u ? one : other;
  EXPECT_NE(told.body.find("asked at the same time"), std::string::npos) << told.body;
  const bool built = one.status == 409u;
  EXPECT_NE(post(built ? *a : *b, built ? "pumps/rollback" : "pumps/rebuild").status, 409u)
      << "now it is known";
}

TEST_F(WorkersVersionsTest, AFollowerIsToldOfTheVersionThatAnotherWorkerLetServe) {
  open_lanes();
  auto a = worker("a", summed_model(1));
  auto b = worker("b", summed_model(1));
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  publish(2, 11);
  ASSERT_TRUE(eventually([&] { return all_there(*a); }, 40s)) << a->log();
  const bool a_decides = owners(*a).at(shard(0)) == "a";
  HubProgram& decides = a_decides ? *a : *b;
  HubProgram& other = a_decides ? *b : *a;
  test::EventReader reader(other, "/v1/models/pumps/events/follow?limit=10000");
  std::set<std::string> rows;
  std::string version;
  const auto read_until = [&](const std::string& wanted, std::size_t count) {
    while (version != wanted || rows.size() != count) {
      const auto sent = reader.next();
      if (sent.event.empty()) return false;
      if (sent.event == "reset") {
        rows.clear();
        version = sent.data.at("version").as_string();
      }
      if (!sent.data.contains("rows")) continue;
      for (const auto& row : sent.data.at("rows").as_array())
        rows.insert(std::string(row.as_object().at("gateway").as_string()) +
                    core::to_json(row.as_object().at("seq")));
    }
    return true;
  };
  ASSERT_TRUE(read_until("1", 100));
  edit(decides, summed_model(2));
  ASSERT_EQ(post(decides, "reload", "{}").status, 200u);
  ASSERT_TRUE(read_until("2", 100)) << other.log();
  publish(12, 12);
  ASSERT_TRUE(read_until("2", 110)) << other.log();
}

// What somebody reads cannot be dropped: the deed fails, and nothing has changed.
TEST_F(WorkersVersionsTest, ABuildThatCannotBeGivenUpGoesOnAtAllWorkers) {
  open_lanes();
  // A build that waits for a word: it parks what the serving version does not look at.
  std::string careless = summed_model(1);
  const std::string latest = "latest = { last_value = \".value\" }\n";
  careless.erase(careless.find(latest), latest.size());
  auto a = worker("a", careless);
  auto b = worker("b", careless);
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); })) << a->log();
  publisher_.event(lane(0), 2, "Measured", R"({"k":1,"value":"text"})", "pump/1");
  ++published_;
  edit(*a, summed_model(2));
  ASSERT_EQ(post(*a, "reload", "{}").status, 200u);
  const auto builds = [&](const HubProgram& hub) {
    const auto building = pumps(hub).at("building");
    return building.is_null() ? std::string()
                              : std::string(building.at("version").as_string()) + " " +
                                    std::string(building.at("state").as_string());
  };
  const auto both_wait = [&] { return builds(*a) == "2 waiting" && builds(*b) == "2 waiting"; };
  ASSERT_TRUE(eventually(both_wait, 40s)) << a->log() << b->log();
  HubProgram& other = owners(*a).at(shard(0)) == "a" ? *b : *a;
  {
    const auto reader = projection::Target::open(
        projection::Place::postgres(postgres_.conninfo(), "pumps__v2"), projection::Access::kRead);
    ASSERT_TRUE(reader) << core::to_string(reader.error());
    ASSERT_TRUE((*reader)->exec("SET idle_in_transaction_session_timeout = 0"));
    const auto reading = projection::Transaction::begin(**reader, projection::Begin::kSnapshot);
    ASSERT_TRUE(reading) << core::to_string(reading.error());
    ASSERT_TRUE(projection::query_int(**reader, "SELECT count(*) FROM events"));
    EXPECT_EQ(post(other, "pumps/rebuild").status, 503u);
  }
  EXPECT_TRUE(eventually(both_wait, 40s)) << a->log() << b->log();
  for (int i = 0; i < kShards; ++i) publisher_.events(lane(i), i == 0 ? 3 : 2, 12);
  EXPECT_TRUE(eventually(
      [&] {
        return postgres_.query("SELECT min(sequence) FROM pumps__v2._sluice_position") == "12";
      },
      40s))
      << a->log() << b->log();
  ASSERT_EQ(post(other, "pumps/rebuild", R"({"reason":"text is wrong","accept":true})").status,
            200u);
  EXPECT_TRUE(eventually(
      [&] {
        return serve({a.get(), b.get()}, "2");
      },
      40s))
      << a->log() << b->log();
}

// Nobody stands still for a worker that has not yet heard what is asked of it.
TEST_F(WorkersVersionsTest, AVersionThatNotEverybodyReadsIntoStopsNoOther) {
  open_lanes();
  const std::string longer_than_it_stands = "30s";
  auto a = worker("a", summed_model(1), longer_than_it_stands);
  auto b = worker("b", summed_model(1), longer_than_it_stands);
  ASSERT_TRUE(eventually([&] { return settled({a.get(), b.get()}, {5, 5}); }, 60s)) << a->log();
  publish(2, 11);
  ASSERT_TRUE(eventually([&] { return all_there(*a); }, 40s)) << a->log();
  edit(*a, summed_model(2));
  ASSERT_EQ(post(*a, "reload", "{}").status, 200u);
  ASSERT_TRUE(eventually(
      [&] {
        return serve({a.get(), b.get()}, "2");
      },
      40s))
      << a->log() << b->log();
  publish(12, 21);
  ASSERT_TRUE(eventually([&] { return all_there(*a); }, 40s)) << a->log();
  const bool a_decides = owners(*a).at(shard(0)) == "a";
  HubProgram& decides = a_decides ? *a : *b;
  HubProgram& other = a_decides ? *b : *a;
  other.process().signal(SIGSTOP);
  ASSERT_EQ(post(decides, "pumps/rollback").status, 200u);
  std::string gateways;  // whose events it reads by itself
  const auto all = owners(decides);
  for (int i = 0; i < kShards; ++i)
    if (all.at(shard(i)) == (a_decides ? "a" : "b"))
      gateways += (gateways.empty() ? "'" : ", '") + lane(i).gateway + "'";
  const auto seen = [&] {
    return std::stoll(
        postgres_.query("SELECT sum(n) FROM pumps.total WHERE gateway IN (" + gateways + ")"));
  };
  const auto before = seen();
  for (int round = 1; round <= 5; ++round) {
    publish(static_cast<core::Seq>(21 + round), static_cast<core::Seq>(21 + round));
    EXPECT_TRUE(eventually([&] { return seen() >= before + round * 5; }, 40s)) << round;
  }
  EXPECT_EQ(decides.log().find("does not reach the position"), std::string::npos)
      << "it stood still for the other, in vain: " << decides.log();
  other.process().signal(SIGCONT);
  EXPECT_TRUE(eventually(
      [&] {
        return serve({a.get(), b.get()}, "1");
      },
      60s))
      << a->log() << b->log();
  EXPECT_TRUE(eventually([&] { return all_there(*a) && all_there(*b); }, 40s)) << a->log();
}

// The first start of all of them at once makes one database.
TEST_F(WorkersVersionsTest, WorkersThatStartTogetherMakeOneFirstVersion) {
  open_lanes();
  publish(2, 11);
  // None can begin before the database is there, and then all do.
  postgres_.stop();
  std::vector<std::unique_ptr<HubProgram>> hubs;
  for (const char* name : {"a", "b", "c"}) hubs.push_back(worker(name, summed_model(1)));
  postgres_.start();
  for (const auto& hub : hubs) {
    ASSERT_TRUE(eventually([&] { return hub->get("/readyz").status == 200; }, 40s)) << hub->log();
    EXPECT_TRUE(eventually([&] { return all_there(*hub); }, 40s)) << hub->log();
    EXPECT_TRUE(hub->process().running());
  }
  EXPECT_EQ(postgres_.query("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'pumps\\_\\_v%'"),
            "1");
}

}  // namespace
}  // namespace sluice
