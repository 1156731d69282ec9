# shellcheck shell=bash
# Stands for launch/env.sh where charrnn is installed: the tools are on the PATH already. The batch scripts read it.
true
