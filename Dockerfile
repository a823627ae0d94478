# LIA-Bench on a CPU: docker build -t lia-bench . && docker run --rm -v "$PWD:/work" lia-bench quickstart
FROM python:3.11-slim
RUN useradd --create-home --uid 1000 person && mkdir /work && chown person /work
COPY . /source
RUN pip install --no-cache-dir --constraint /source/constraints.txt '/source[study]' && rm -rf /source
USER person
WORKDIR /work
ENTRYPOINT ["lia-bench"]
CMD ["--help"]
