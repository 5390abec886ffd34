"""What is wrong with the templates of skills, found without filling one in."""

from aimux.model import Problem, Severity, Source

from ._library import SkillLibrary
from ._render import TemplateFault, check_template


def template_faults(library: SkillLibrary) -> dict[str, Problem]:
    """What is wrong with templates, by skill; shipped ones are tested where they are made."""
    found = {}
    for skill in library.skills.values():
        if skill.source is Source.SHIPPED:
            continue
        try:
            check_template(skill, library.parts_of(skill))
        except TemplateFault as fault:
            where = str(fault.data["where"])
            what = fault.message.removesuffix(f" @ {where}")
            found[skill.id] = Problem(severity=Severity.ERROR, where=where, message=what)
    return found
