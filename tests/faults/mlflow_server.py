"""MLflow's own server application on a loopback port: ``mlflow_server.py DATABASE PORT``."""

import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

database, port = sys.argv[1], int(sys.argv[2])
os.environ |= {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{database}",
    "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{database}",
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
    "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"{database}.artifacts",
    "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
}

from mlflow.server import app


class Silent(WSGIRequestHandler):
    """No line for each request."""

    def log_message(self, format, *args):  # noqa: A002
        pass


with make_server("127.0.0.1", port, app, handler_class=Silent) as server:
    server.serve_forever()
