"""A job that does nothing but compute a parabola: what a trial costs is all the sweeper's."""

import hydra
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path="conf", config_name="parabola")
def main(config: DictConfig) -> float:
    return (config.x - 3.0) ** 2 + (config.y + 1.0) ** 2


if __name__ == "__main__":
    main()
