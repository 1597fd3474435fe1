// server/postgres/catalogues.h: what routing knows of the databases of one cluster, kept up to date.
//
// Contract    of() gives what was read last, at once; nothing when nothing was yet, and then the
//             database is read soon. Every kLookAtCatalogues the primary is asked whether anything
//             changed. touched(): something may have changed now; what was read is forgotten.
//             `changed` is called when of() has something new to say.
// Bounds      kDatabasesMax databases; others stay unknown.
// Threads     One of its own, with a connection to each database; calls from any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "engines/postgres/server_link.h"
#include "query/route/objects.h"

namespace spar::server::postgres {

using ObjectsPtr = std::shared_ptr<const query::route::Objects>;

class Catalogues {
 public:
  // The primary's address; nothing while there is none.
  using Primary = std::function<std::optional<engines::postgres::Conninfo>()>;

  Catalogues(Primary primary, std::function<void()> changed);
  ~Catalogues();
  Catalogues(const Catalogues&) = delete;
  Catalogues& operator=(const Catalogues&) = delete;

  ObjectsPtr of(std::string_view database);
  void touched(std::string_view database);

 private:
  struct Database {
    ObjectsPtr objects;
    std::string fingerprint;  // "": read it anew
  };

  void run();
  void look_at(const std::string& name, const engines::postgres::Conninfo& primary);

  Primary primary_;
  std::function<void()> changed_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false, urgent_ = false;
  std::map<std::string, Database, std::less<>> databases_;
  struct Link {
    std::string address;
    std::optional<engines::postgres::ServerLink> link;
  };
  std::map<std::string, Link> links_;  // of the thread
  std::thread thread_;
};

}  // namespace spar::server::postgres
