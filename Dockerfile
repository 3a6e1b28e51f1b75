# Two images: `serve` answers, loads and exports, without torch; `train` also trains. docker-compose.yml builds both.
FROM python:3.11.14-slim-trixie AS wheel
WORKDIR /source
RUN pip install --no-cache-dir hatchling==1.27.0
COPY pyproject.toml README.md LICENSE reelgraph.py ./
COPY graph graph
COPY loaders loaders
COPY gnn gnn
COPY api api
COPY cypher cypher
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.11.14-slim-trixie AS serve
ENV PYTHONUNBUFFERED=1
# Folders of its own to mount volumes at: a new volume takes over who owns the folder.
RUN useradd --uid 10001 --create-home reelgraph \
 && install --directory --owner reelgraph /runs /import
COPY requirements/serve.txt /requirements/
RUN pip install --no-cache-dir --require-hashes -r /requirements/serve.txt
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir --no-deps /wheel/reelgraph-*.whl
USER 10001
WORKDIR /home/reelgraph
EXPOSE 8000
ENTRYPOINT ["reelgraph"]
CMD ["serve", "--host", "0.0.0.0"]

FROM serve AS train
USER 0
COPY requirements/train.txt /requirements/
RUN pip install --no-cache-dir --require-hashes -r /requirements/train.txt
USER 10001
CMD ["train", "--help"]
