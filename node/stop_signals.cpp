#include "node/stop_signals.hpp"

#include "runtime/base/assert.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>

namespace freehold::node {

namespace {

sigset_t stopping() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);
  return set;
}

} // namespace

doorbell::doorbell() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  FREEHOLD_ASSERT(fd_ >= 0, "the process has no file descriptor left");
}

doorbell::~doorbell() { ::close(fd_); }

void doorbell::ring() const noexcept {
  const std::uint64_t one = 1;
  // Full means that it has been rung often enough.
  (void)!::write(fd_, &one, sizeof one);
}

stop_signals::stop_signals() {
  const sigset_t set = stopping();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  FREEHOLD_ASSERT(fd_ >= 0, "the process has no file descriptor left");
}

stop_signals::~stop_signals() { ::close(fd_); }

bool stop_signals::wait(const doorbell& bell,
                        std::chrono::milliseconds at_most) {
  std::array<pollfd, 2> both{{{fd_, POLLIN, 0}, {bell.fd_, POLLIN, 0}}};
  (void)::poll(both.data(), both.size(), static_cast<int>(at_most.count()));
  std::uint64_t rings = 0;
  (void)!::read(bell.fd_, &rings, sizeof rings);
  signalfd_siginfo signal{};
  if (::read(fd_, &signal, sizeof signal) == sizeof signal) {
    have_come_ = true;
    for_good_ = for_good_ || signal.ssi_signo == SIGUSR1;
  }
  return have_come_;
}

} // namespace freehold::node
