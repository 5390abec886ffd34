"""Skills in layers, served as prompts: a room of its own, read where one is wanted."""

from ._faults import template_faults as template_faults
from ._files import (
    Argument as Argument,
    Part as Part,
    Skill as Skill,
)
from ._graph import names_in as names_in
from ._kinds import kind_of as kind_of
from ._library import (
    SkillLibrary as SkillLibrary,
    SkillPlace as SkillPlace,
    read_skills as read_skills,
    skill_places as skill_places,
)
from ._render import (
    RenderLimits as RenderLimits,
    TemplateFault as TemplateFault,
    check_template as check_template,
    render_skill as render_skill,
)
