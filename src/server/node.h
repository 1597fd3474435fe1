// server/node.h: the clusters of this node, as clients and administrators see them.
//
// Contract    prepare() comes first. start() brings every cluster up and makes the databases of the
//             configuration at a cluster's first start. open() finds the cluster that has the database. answer()
//             serves the admin door (server/admin.h states requests and answers).
// Threads     open() and answer() from any thread.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "coordination/store.h"
#include "gateway/backend.h"
#include "server/config.h"
#include "server/controller.h"
#include "server/embedded_path.h"
#include "server/postgres/server_path.h"
#include "server/session_backend.h"
#include "storage/disk.h"

namespace spar::server {

class Node : public gateway::BackendFactory {
 public:
  Node(storage::Disk& disk, const Config& config);
  ~Node() override;

  Result<void> prepare();
  Result<void> start(Monotonic deadline);
  Result<std::unique_ptr<gateway::Backend>> open(const std::string& database,
                                                 const std::string& user) override;
  nlohmann::json answer(const nlohmann::json& request);

  // The servers of the cluster that has this database; nullptr when it is an embedded one.
  postgres::ServerPath* servers_of(std::string_view database);
  std::vector<postgres::ServerPath*> servers();
  // What a client of this database has to know when it logs in; "": all is well.
  std::string warning_for(std::string_view database);
  // At the end: those that this node started.
  void stop_servers();

 private:
  // Of the two paths, the one that fits the engine of the copies.
  struct Hosted {
    std::unique_ptr<coordination::RecordStore> store;
    std::unique_ptr<EmbeddedPath> embedded;
    std::unique_ptr<postgres::ServerPath> servers;
    std::unique_ptr<Controller> controller;
    std::unique_ptr<SessionFactory> sessions;

    DataPath& path() const {
      return embedded ? static_cast<DataPath&>(*embedded) : static_cast<DataPath&>(*servers);
    }
  };

  Result<void> make_cluster(const ClusterConfig& config);
  Result<void> start_cluster(const ClusterConfig& config, Hosted& hosted, Monotonic deadline);
  Result<void> make_databases(const ClusterConfig& config, Hosted& hosted);
  Result<void> follow_configuration(const ClusterConfig& config, Controller& controller);
  Result<Hosted*> named(const nlohmann::json& request);
  nlohmann::json status() const;
  nlohmann::json status_of(const Hosted& hosted) const;
  nlohmann::json events(std::uint64_t after) const;
  nlohmann::json command(const nlohmann::json& request);

  storage::Disk& disk_;
  const Config& config_;
  Timestamp started_;
  EventLog events_;
  std::vector<std::unique_ptr<Hosted>> clusters_;
};

}  // namespace spar::server
