"""``swproxy ca``"""

import click

from swproxy.ca.authority import Authority
from swproxy.cli.options import profile_option
from swproxy.storage.profile import Profile


@click.group("ca")
def ca_command() -> None:
    """The certificate authority that signs what the proxy decrypts. Clients have to trust it."""


@ca_command.command("path")
@profile_option
def path_command(profile: Profile) -> None:
    """Print the path of the CA certificate (PEM); it is made if there is none."""
    profile.prepare()
    authority = Authority(profile.ca)
    authority.ensure()
    click.echo(authority.certificate)
