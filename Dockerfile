# LIA-Bench on a CPU: docker build -t lia-bench . && docker run --rm -v "$PWD:/work" lia-bench quickstart
#
# 6.5 GB of packages, 4.4 GB of which serve NVIDIA GPUs; without those, 2.1 GB: --build-arg TORCH_INDEX=<index>, the index
# of builds for the CPU that PyTorch's site names under "Get started" (Pip, CPU).
FROM python:3.11-slim
ARG TORCH_INDEX
# A desktop's libraries, which OpenCV and MediaPipe load: 0.2 GB.
RUN apt-get update && apt-get install --yes --no-install-recommends libgl1 libegl1 libgles2 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 person && mkdir /work && chown person /work
COPY . /source
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --no-cache-dir --constraint /source/constraints.txt --index-url "$TORCH_INDEX" torch torchvision; fi
RUN pip install --no-cache-dir --constraint /source/constraints.txt '/source[study]' && rm -rf /source
USER person
WORKDIR /work
ENTRYPOINT ["lia-bench"]
CMD ["--help"]
