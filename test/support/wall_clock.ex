defmodule ElixirScope.Distributed.WallClock do
  @moduledoc false
  # A wall clock of its own for one test node, which a test can step: a small library, preloaded
  # into the node's virtual machine, adds what a file says to the system's real-time clock. Only
  # that clock is moved, as an administrator or a time server would.

  @source """
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <fcntl.h>
  #include <stdint.h>
  #include <stdlib.h>
  #include <sys/mman.h>
  #include <sys/time.h>
  #include <time.h>

  static int64_t none;
  static volatile int64_t *step_ns = &none;
  static int (*real)(clockid_t, struct timespec *);

  __attribute__((constructor)) static void prepare(void) {
    const char *path = getenv("SCOPE_WALL_CLOCK");
    int file = path ? open(path, O_RDONLY) : -1;
    real = dlsym(RTLD_NEXT, "clock_gettime");
    if (file < 0) return;
    void *page = mmap(0, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) step_ns = page;
  }

  int clock_gettime(clockid_t id, struct timespec *time) {
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int outcome = real(id, time);
    if (outcome == 0 && id == CLOCK_REALTIME) {
      int64_t ns = time->tv_sec * 1000000000LL + time->tv_nsec + *step_ns;
      time->tv_sec = ns / 1000000000LL;
      time->tv_nsec = ns % 1000000000LL;
    }
    return outcome;
  }

  int gettimeofday(struct timeval *restrict day, void *restrict zone) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    day->tv_sec = time.tv_sec;
    day->tv_usec = time.tv_nsec / 1000;
    return 0;
  }
  """

  @doc "Builds the library in `folder`: the variables with which a node has a clock of its own."
  def env!(folder) do
    File.write!(Path.join(folder, "wall_clock.c"), @source)
    step!(folder, 0)
    arguments = ~w(-shared -fPIC -O1 -o wall_clock.so wall_clock.c -ldl)
    {_output, 0} = System.cmd("cc", arguments, cd: folder, stderr_to_stdout: true)
    [{"LD_PRELOAD", Path.join(folder, "wall_clock.so")}, {"SCOPE_WALL_CLOCK", file(folder)}]
  end

  @doc "From now on the node's wall clock is `milliseconds` ahead of the machine's."
  def step!(folder, milliseconds) do
    # In place: the node has the file mapped.
    {:ok, file} = :file.open(file(folder), [:read, :write, :raw, :binary])
    :ok = :file.pwrite(file, 0, <<milliseconds * 1_000_000::little-signed-64>>)
    :file.close(file)
  end

  defp file(folder), do: Path.join(folder, "wall_clock.step")
end
